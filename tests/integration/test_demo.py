"""`make demo`: it ends with 0 when all that it claims holds, and names what does not."""

import pytest

CLAIMS = (
    "hello",
    "sharing",
    "losing",
    "acknowledging",
    "timeout",
    "fair-dispatch",
    "deleting",
)

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def demo(run_program):
    def start(*options):
        return run_program("-m", "leveret.lab.demo", "--seconds-per-character=0.03", *options)

    return start


def test_every_claim_holds(demo):
    lines = demo().ends(0)
    assert [line for line in lines if line.startswith("  holds: ")] == [
        f"  holds: {claim}" for claim in CLAIMS
    ]
    assert lines[-1] == "Everything holds."


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_that_is_broken_on_purpose_is_named(demo, claim):
    """Not the check is broken, but what it is about: a worker is started without the option that
    the claim rests on, a queue is not deleted, and so on."""
    lines = demo("--scene", claim, "--break", claim).ends(1)
    assert any(line.startswith(f"  DOES NOT HOLD: {claim}: ") for line in lines)
    assert lines[-1] == f"Does not hold: {claim}."


def test_one_broken_claim_does_not_hide_the_next(demo):
    lines = demo("--scene=hello", "--scene=deleting", "--break=hello").ends(1)
    assert "  holds: deleting" in lines
    assert lines[-1] == "Does not hold: hello."
