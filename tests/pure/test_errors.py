"""The error class as the page and pickles see it."""

import pickle
import traceback

from animatediff_native.motion.errors import AnimateDiffError

ERROR = AnimateDiffError("this is given.", "that is wanted", "do this.")


def test_its_name_has_no_path():
    """The host gives the page module and name of a class, or its name alone if it is of Python."""
    assert AnimateDiffError.__module__ == "builtins"
    assert traceback.format_exception_only(ERROR)[0].startswith("AnimateDiffError: this is given.")


def test_it_goes_through_a_pickle():
    again = pickle.loads(pickle.dumps(ERROR))
    assert type(again) is AnimateDiffError and str(again) == str(ERROR)
    assert (again.given, again.expected, again.remedy) == (
        "this is given.",
        "that is wanted",
        "do this.",
    )
