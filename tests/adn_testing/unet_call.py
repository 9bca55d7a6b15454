"""One UNet call of a model through the host, to hold against independent implementations."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.model_management
import torch


def noise_of(model, x, timestep, context, conds, frames, **extra):
    """One UNet call of the animated model through the host's apply_model, as noise prediction.

    extra: by frame, what else the UNet takes (`y`). A denoised prediction is x - sigma * eps in the host's parametrisation.
    """
    comfy.model_management.load_models_gpu([model, *model.get_nested_additional_models()])
    base, device = model.model, model.load_device
    x, context = x.to(device), context.to(device)
    sigma = base.model_sampling.sigma(torch.tensor(float(timestep))).to(device)
    options = {
        **model.model_options["transformer_options"],
        "wrappers": model.wrappers,
        "cond_or_uncond": list(range(conds)),
    }
    base.current_patcher = model
    scaled = x * (sigma**2 + 1) ** 0.5  # the host divides by it again
    denoised = base.apply_model(
        scaled,
        sigma.expand(x.shape[0]),
        c_crossattn=context.repeat_interleave(frames, dim=0),
        transformer_options=options,
        **{key: value.to(device) for key, value in extra.items()},
    )
    return ((scaled - denoised) / sigma).cpu()


def relative_error(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).abs().max() / b.std()).item()
