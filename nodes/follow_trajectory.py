"""What makes a clip follow paths without training: noise that goes along, and attention."""

from comfy_api.latest import io

from ..motion.errors import AnimateDiffError
from ..motion.step_range import StepRange
from ..samplers.frame_noise import LARGEST_SEED
from ..samplers.noise_run import frame_noise
from ..trajectories.follow_cross import columns_of
from ..trajectories.follow_run import Follow
from ..trajectories.follow_trajectory import follow_trajectory
from ..trajectories.subject_tokens import PARTED, subject_tokens
from ..trajectories.trajectory_noise import TrajectoryNoise as Noise
from .advanced import advanced
from .clip_part import first_frame_input
from .folders import CATEGORY
from .search_aliases import search_aliases
from .trajectory import TrajectoryIO

STRONGEST, LONGEST_TAIL = 10.0, 77


class TrajectoryNoise(io.ComfyNode):
    @classmethod
    @advanced("mix", "first_frame")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_TrajectoryNoise",
            display_name="Noise along a Path (FreeTraj, trajectory, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_TrajectoryNoise"),
            description="Noise of which a patch goes along a path, so that what grows out of it "
            "tends to go there too. For SamplerCustomAdvanced, or for any sampler through Noise "
            "for KSampler, beside Follow Trajectory.",
            inputs=[
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=LARGEST_SEED,
                    control_after_generate=True,
                    tooltip="As in KSampler: the same seed gives the same noise.",
                ),
                TrajectoryIO.Input("trajectory", tooltip="From Trajectory: its paths and boxes."),
                _share(
                    "strength",
                    1.0,
                    "How much of the noise in a box goes along with it. 0: plain noise, as "
                    "KSampler draws it.",
                ),
                _share(
                    "mix",
                    1.0,
                    "1: what changes fast in the noise is made anew, as FreeTraj does it, so that "
                    "frames differ enough. 0: nothing is.",
                ),
                io.Noise.Input(
                    "noise",
                    optional=True,
                    tooltip="The noise beneath, from Noise by Frame or Noise Layer. Without it, as "
                    "KSampler draws it from seed.",
                ),
                first_frame_input(),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise",
                    tooltip="For Noise for KSampler, SamplerCustomAdvanced or Noise Layer.",
                )
            ],
        )

    @classmethod
    def execute(cls, seed, trajectory, strength, mix, noise=None, first_frame=0) -> io.NodeOutput:
        made = Noise(frame_noise().draw, trajectory, seed, strength, mix, noise, first_frame)
        return io.NodeOutput(made)


class FollowTrajectory(io.ComfyNode):
    @classmethod
    @advanced("outside", "start_percent", "temporal", "spatial", "tail")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FollowTrajectory",
            display_name="Follow Trajectory (object motion, TrailBlazer, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FollowTrajectory"),
            description="Has a subject of the prompt go where a path says, without any further "
            "model: in the first steps, the model's attention to the subject's words is raised in "
            "the path's box and lowered elsewhere.",
            inputs=[*_what(), *_how_much(), *_more()],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="The model whose subject follows the path, for the sampler.",
                )
            ],
        )

    @classmethod
    def execute(
        cls, model, trajectory, clip, prompt, subject, strength, outside, start_percent,
        end_percent, temporal=0.0, spatial=0.0, tail=13,
    ) -> io.NodeOutput:  # fmt: skip
        if clip is None:
            raise AnimateDiffError(
                "the checkpoint came without a text encoder.",
                PARTED,
                "use a full checkpoint, or load its text encoder with Load CLIP.",
            )
        steps = StepRange(start_percent, end_percent)
        if not trajectory.paths:
            return io.NodeOutput(follow_trajectory(model, Follow(trajectory, (), 0, steps=steps)))
        found = subject_tokens(clip.tokenize, prompt, subject, trajectory.paths, tail)
        columns = columns_of(found.subjects, found.tail)
        follow = Follow(trajectory, columns, found.length, strength, outside, spatial, steps)
        return io.NodeOutput(follow_trajectory(model, follow, temporal))


def _what() -> list[io.Input]:
    return [
        io.Model.Input("model", tooltip="The animated model, with or without windows."),
        TrajectoryIO.Input("trajectory", tooltip="From Trajectory: its paths and boxes."),
        io.Clip.Input("clip", tooltip="The CLIP that encodes the positive prompt."),
        io.String.Input(
            "prompt",
            multiline=True,
            default="",
            tooltip="The text of the positive prompt, word for word.",
        ),
        io.String.Input(
            "subject",
            multiline=True,
            default="",
            tooltip="Words of the prompt that follow the path, such as: red ball. With several "
            "paths a line for each, in their order, or one line for all.",
        ),
    ]


def _how_much() -> list[io.Input]:
    return [
        io.Float.Input(
            "strength",
            default=0.15,
            min=0.0,
            max=STRONGEST,
            step=0.01,
            tooltip="How much attention to the subject is added in the box, as a share of the "
            "greatest. More follows more closely, and can spoil how the subject looks.",
        ),
        _share(
            "outside",
            0.001,
            "What is left of the attention to the subject outside of the box. 1: all of it.",
        ),
        _share("start_percent", 0.0, "From which part of the sampling on it follows."),
        _share(
            "end_percent",
            0.35,
            "Up to which part of the sampling it follows. Later steps draw details, which look "
            "better untouched.",
        ),
    ]


def _more() -> list[io.Input]:
    return [
        _share(
            "temporal",
            0.0,
            "How little a place in the box sees frames in which it is outside, in the motion "
            "module's attention (FreeTraj). 0: as without.",
            optional=True,
        ),
        _share(
            "spatial",
            0.0,
            "How little what is in the box sees what is not, in the model's self-attention "
            "(FreeTraj). 0: as without.",
            optional=True,
        ),
        io.Int.Input(
            "tail",
            default=13,
            min=0,
            max=LONGEST_TAIL,
            optional=True,
            tooltip="How many of the empty tokens behind the prompt follow the path too: they tell "
            "of the prompt as a whole.",
        ),
    ]


def _share(name: str, default: float, tooltip: str, optional: bool = False) -> io.Input:
    return io.Float.Input(
        name, default=default, min=0.0, max=1.0, step=0.001, optional=optional, tooltip=tooltip
    )


NODES = [TrajectoryNoise, FollowTrajectory]
