"""Pauses between two starts."""

from providers.host.pause import HEALTHY, LONGEST, failures_after, pause_after


def test_pauses_double_up_to_a_cap():
    assert [pause_after(failures) for failures in range(1, 6)] == [0.2, 0.4, 0.8, 1.6, 3.2]
    assert pause_after(9) == pause_after(10_000) == LONGEST


def test_a_healthy_minute_puts_earlier_failures_behind():
    assert failures_after(HEALTHY - 1, 7) == 8
    assert failures_after(HEALTHY, 7) == 1
