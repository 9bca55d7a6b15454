"""The page's way to the conversion of other packs' workflows: POST /animatediff_native/convert."""

from aiohttp import web
from server import PromptServer

from ..convert import convert
from ..motion.errors import AnimateDiffError

ROUTE = "/animatediff_native/convert"


def register_route() -> None:
    """Tell the server, where there is one."""
    server = getattr(PromptServer, "instance", None)
    if server is not None:
        server.routes.post(ROUTE)(convert_workflow)


async def convert_workflow(request: web.Request) -> web.Response:
    """A workflow as JSON; the answer is it converted, and what is left."""
    try:
        conversion = convert(await request.json())
    except AnimateDiffError as error:
        return web.json_response({"error": str(error)}, status=400)
    except ValueError as error:
        return web.json_response({"error": f"that is not JSON: {error}"}, status=400)
    return web.json_response(
        {
            "workflow": conversion.workflow,
            "converted": conversion.converted,
            "left": [entry._asdict() for entry in conversion.left],
            "notes": conversion.notes,
        }
    )
