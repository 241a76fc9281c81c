"""stub"""


def init() -> None:
    """x"""
