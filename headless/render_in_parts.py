"""Renders a long clip part by part on a ComfyUI server, goes on after an interruption, and joins.

    python headless/render_in_parts.py workflows/api/long_clip_in_parts.json --frames 1000 \\
        --output my_clip --set "Prompt Schedule.text=0: a lake"

The workflow has one Continue Clip, one SaveLatent, which keeps a part for the next one, and one
SaveImage, whose pictures are the clip. Run it again with the same words to go on: parts that are
whole are not made again. Needs run_workflow.py beside it, and what that needs.
"""

import argparse
import asyncio
import copy
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

import run_workflow as headless
from run_workflow import Failure, Graph, aiohttp, show

CONTINUE, PREVIOUS = "ADN_ContinueClip", "previous part"  # a class, and the id of a node we add
UPLOADS = "animatediff_parts"  # in the server's input folder
PLAN, FRAMES, CLIP, LATENT = "plan.json", "frames", "clip.mp4", "part.latent"


class Job(NamedTuple):
    """What is rendered. Node ids: of Continue Clip, SaveLatent, SaveImage."""

    graph: Graph
    node: str
    latent: str
    images: str
    parts: int
    frames: int  # of the clip

    @property
    def stamp(self) -> str:
        """Alike where the parts are those of one clip."""
        said = json.dumps([self.graph, self.frames], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


def only(graph: Graph, kind: str) -> str:
    found = [key for key, node in graph.items() if node["class_type"] == kind]
    if len(found) != 1:
        raise Failure(f"the workflow has {len(found)} nodes {kind}; one is needed.")
    return found[0]


def with_length(graph: Graph, node: str, frames: int | None) -> int:
    """The length of the clip, which --frames sets where an EmptyLatentImage makes the latent."""
    source = graph[node]["inputs"].get("latent")
    maker = (
        graph[source[0]] if headless.is_link(source, graph) else {"class_type": "", "inputs": {}}
    )
    if maker["class_type"] == "EmptyLatentImage":
        inputs = maker["inputs"]
        inputs["batch_size"] = frames or inputs["batch_size"]
        frames = inputs["batch_size"]
    if not isinstance(frames, int):
        raise Failure("say with --frames how many frames the clip has; the workflow does not.")
    return frames


def job_of(graph: Graph, frames: int | None) -> Job:
    node, latent = only(graph, CONTINUE), only(graph, "SaveLatent")
    total, inputs = with_length(graph, node, frames), graph[node]["inputs"]
    size, context = inputs["frames"], inputs["context_frames"]
    if not isinstance(size, int) or not isinstance(context, int) or not 0 <= context < size:
        raise Failure("frames and context_frames of Continue Clip must be numbers, frames more.")
    inputs.update(part=0)
    inputs.pop("previous", None)
    parts = 1 + max(0, -(-(total - size) // (size - context)))
    return Job(graph, node, latent, only(graph, "SaveImage"), parts, total)


def part_graph(job: Job, part: int, uploaded: str) -> Graph:
    """The workflow for one part; `uploaded` is the latent of the part before."""
    graph = copy.deepcopy(job.graph)
    graph[job.node]["inputs"]["part"] = part
    if part:
        inputs = {"latent": uploaded}
        graph[PREVIOUS] = {"class_type": "LoadLatent", "inputs": inputs}
        graph[job.node]["inputs"]["previous"] = [PREVIOUS, 0]
    return graph


def part_folder(output: Path, part: int) -> Path:
    return output / f"part_{part:03}"


def prepare(job: Job, output: Path) -> None:
    """Parts of another clip are not mixed in; what a kill left is taken away."""
    output.mkdir(parents=True, exist_ok=True)
    plan = output / PLAN
    known = json.loads(plan.read_text(encoding="utf-8"))["stamp"] if plan.exists() else job.stamp
    if known != job.stamp:
        raise Failure(
            f"the parts in {output} were made with other settings. Choose another --output, or "
            "remove that folder to begin again."
        )
    said = {"stamp": job.stamp, "parts": job.parts, "frames": job.frames}
    beside = output / f".{PLAN}.part"
    beside.write_text(json.dumps(said), encoding="utf-8")
    beside.replace(plan)
    for left in output.glob(".part_*"):
        shutil.rmtree(left)


async def upload(session: aiohttp.ClientSession, server: str, file: Path, name: str) -> str:
    """The name that LoadLatent knows the file by."""
    form = aiohttp.FormData({"type": "input", "subfolder": UPLOADS, "overwrite": "true"})
    form.add_field("image", file.read_bytes(), filename=name)
    async with session.post(f"{server}/upload/image", data=form) as answer:
        if answer.status != 200:
            raise Failure(f"{file} cannot be brought to the server: {answer.status}.")
        body = await answer.json()
    return f"{body['subfolder']}/{body['name']}"


async def fetched(session: Any, server: str, file: dict[str, str], place: Path) -> None:
    wanted = {key: file[key] for key in ("filename", "subfolder", "type")}
    async with session.get(f"{server}/view", params=wanted) as answer:
        if answer.status != 200:
            raise Failure(f"{file['filename']} cannot be downloaded: {answer.status}.")
        place.write_bytes(await answer.read())


async def render(session: Any, server: str, job: Job, output: Path, part: int) -> None:
    """One part: its latent and its new pictures, in a folder that is there whole or not at all."""
    uploaded = ""
    if part:
        before = part_folder(output, part - 1) / LATENT
        uploaded = await upload(session, server, before, f"{job.stamp}_{part - 1}.latent")
    outputs, left_out = await headless.outputs_of(session, server, part_graph(job, part, uploaded))
    if left_out:
        raise Failure("a part of the workflow was left out; see above.")
    folder = part_folder(output, part)
    beside = folder.with_name(f".{folder.name}")
    beside.mkdir()
    (latent,) = outputs[job.latent]["latents"]
    await fetched(session, server, latent, beside / LATENT)
    for number, picture in enumerate(outputs[job.images]["images"]):
        await fetched(session, server, picture, beside / f"{number:05}.png")
    beside.replace(folder)


async def render_all(job: Job, server: str, output: Path) -> None:
    async with headless.patient_session() as session:
        for part in range(job.parts):
            if part_folder(output, part).exists():
                show(f"Part {part + 1} of {job.parts} is there.")
                continue
            show(f"Part {part + 1} of {job.parts}")
            await render(session, server, job, output, part)


def join(job: Job, output: Path, fps: float) -> None:
    """All pictures in a row, and as a video where PyAV is there."""
    pictures = [
        p for part in range(job.parts) for p in sorted(part_folder(output, part).glob("*.png"))
    ]
    if len(pictures) != job.frames:
        raise Failure(
            f"the parts have {len(pictures)} pictures, and the clip {job.frames} frames. SaveImage "
            "must get the new frames of a part: ImageFromBatch with batch_index from "
            "context_frames of Continue Clip."
        )
    beside = output / f".{FRAMES}"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    for number, picture in enumerate(pictures):
        linked_or_copied(picture, beside / f"{number:06}.png")
    shutil.rmtree(output / FRAMES, ignore_errors=True)
    beside.replace(output / FRAMES)
    print(output / FRAMES, flush=True)
    write_video(sorted((output / FRAMES).glob("*.png")), output / CLIP, fps)


def linked_or_copied(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:  # another kind of disk
        shutil.copyfile(file, place)


def write_video(pictures: list[Path], place: Path, fps: float) -> None:
    try:
        import av
        from PIL import Image
    except ImportError:
        show(f"No {place.name}: this Python has no PyAV. The pictures are whole.")
        return
    from fractions import Fraction

    beside = place.with_name(f".{place.name}.part")
    with av.open(str(beside), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.options, stream.pix_fmt = {"crf": "16"}, "yuv420p"
        with Image.open(pictures[0]) as first:
            stream.width, stream.height = first.size
        for picture in pictures:
            frame = av.VideoFrame.from_image(Image.open(picture).convert("RGB"))
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    beside.replace(place)
    print(place, flush=True)


async def begun(graph: Graph, server: str, given: list[tuple[str, str, str]]) -> None:
    async with headless.patient_session() as session:
        await headless.set_inputs(session, server, graph, given)


def main() -> None:
    parser = argparse.ArgumentParser(description="Render a long clip in parts.")
    parser.add_argument("workflow", type=Path, help="a JSON file in API format")
    parser.add_argument("--server", default="http://127.0.0.1:8188", help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("parts"), help="default: %(default)s")
    parser.add_argument("--frames", type=int, help="of the whole clip; default: the workflow's")
    parser.add_argument("--fps", type=float, default=8.0, help="of clip.mp4; default: %(default)s")
    parser.add_argument("--set", action="append", default=[], metavar="NODE.INPUT=VALUE")
    given = parser.parse_args()
    server = given.server.rstrip("/")
    try:
        graph = headless.read_graph(given.workflow)
        assignments = [headless.assigned(graph, assignment) for assignment in given.set]
        asyncio.run(begun(graph, server, assignments))
        job = job_of(graph, given.frames)
        prepare(job, given.output)
        asyncio.run(render_all(job, server, given.output))
        join(job, given.output, given.fps)
    except aiohttp.ClientError as error:
        sys.exit(f"error: no ComfyUI can be talked to at {given.server} (http://...): {error}")
    except (Failure, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped. Run the same command again to go on; parts that are whole stay.")


if __name__ == "__main__":
    main()
