"""The page with the extension."""

OURS = [
    "AnimateDiffNative.ConvertWorkflow",
    "AnimateDiffNative.NodeMessages",
    "AnimateDiffNative.OurNodes",
    "AnimateDiffNative.Trajectory",
    "AnimateDiffNative.WrongLoader",
]


def test_the_page_loads_our_extension(page):
    """Errors on the console are looked for after every test."""
    names = page.tab.evaluate("app.extensions.map(extension => extension.name)")
    assert sorted(name for name in names if name.startswith("AnimateDiffNative.")) == OURS


def test_the_page_knows_our_nodes(page, server):
    known = page.tab.evaluate("Object.keys(LiteGraph.registered_node_types)")
    ours = {name for name in server.client.object_info() if name.startswith("ADN_")}
    assert ours
    assert ours <= set(known)
