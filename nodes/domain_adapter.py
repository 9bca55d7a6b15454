"""Loading a domain adapter onto a model."""

import folder_paths
from comfy_api.latest import io

from ..lora.domain_adapter import EXPECTED_ADAPTER, read_domain_adapter, with_domain_adapter
from ..motion.load import read_file
from .folders import CATEGORY, LORAS, file_stamp, find_file
from .search_aliases import search_aliases


class LoadDomainAdapter(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_LoadDomainAdapter",
            display_name="Load Domain Adapter (v3 LoRA, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_LoadDomainAdapter"),
            description="Adds the domain adapter of AnimateDiff v3 to an SD1.5 model. It holds "
            "the look of the videos that the motion module was trained on.",
            inputs=[
                io.Model.Input("model", tooltip="An SD1.5 model, animated or not."),
                io.Combo.Input(
                    "domain_adapter",
                    options=folder_paths.get_filename_list(LORAS),
                    tooltip="A file of models/loras, for example v3_sd15_adapter.ckpt.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="1 is as the motion module was trained. Less takes the look of the "
                    "video data out of the picture, watermarks too; 0 is the model as it was.",
                ),
            ],
            outputs=[
                io.Model.Output(display_name="model", tooltip="The model with the adapter in it.")
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, domain_adapter: str, **_others) -> str:
        return file_stamp(LORAS, domain_adapter)

    @classmethod
    def execute(cls, model, domain_adapter, strength) -> io.NodeOutput:
        path = find_file(LORAS, domain_adapter)
        tensors = read_domain_adapter(read_file(path, EXPECTED_ADAPTER), path.name)
        return io.NodeOutput(with_domain_adapter(model, tensors, path.name, strength))


NODES = [LoadDomainAdapter]
