"""The dashboard's own themes. Red: act now; amber: check soon; green: working; blue-grey: deliberate."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="convoy-dark",
    primary="#5aa9e6",
    secondary="#8fa3bf",
    accent="#5aa9e6",
    foreground="#d3dae3",
    background="#0f1318",
    surface="#161c23",
    panel="#1f2731",
    error="#ff6b6b",
    warning="#f2b84b",
    success="#63c174",
    dark=True,
    variables={
        "text-error": "#ff7b7b",
        "text-warning": "#f2b84b",
        "text-success": "#6cc97c",
        "text-muted": "#7c8896",
        "convoy-dim": "#74808e",
        "convoy-deliberate": "#93a8c9",
        "convoy-key": "#7cc0f5",
        "convoy-trend": "#6f8fb0",
        "convoy-faint": "#3d566e",
    },
)
LIGHT = Theme(
    name="convoy-light",
    primary="#1565a8",
    secondary="#4a5f7a",
    accent="#1565a8",
    foreground="#1c232b",
    background="#fbfbf9",
    surface="#f1f2f0",
    panel="#e4e6e4",
    error="#b3261e",
    warning="#8a5300",
    success="#1f7a3a",
    dark=False,
    variables={
        "text-error": "#b3261e",
        "text-warning": "#8a5300",
        "text-success": "#1f7a3a",
        "text-muted": "#5f6a76",
        "convoy-dim": "#68727d",
        "convoy-deliberate": "#4a5f8a",
        "convoy-key": "#1565a8",
        "convoy-trend": "#4f7396",
        "convoy-faint": "#a9bdd0",
    },
)
HIGH_CONTRAST = Theme(
    name="convoy-high-contrast",
    primary="#00ffff",
    secondary="#ffffff",
    accent="#00ffff",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    error="#ff5c5c",
    warning="#ffd400",
    success="#4cff4c",
    dark=True,
    variables={
        "text-error": "#ff7070",
        "text-warning": "#ffd400",
        "text-success": "#4cff4c",
        "text-muted": "#d0d0d0",
        "convoy-dim": "#c0c0c0",
        "convoy-deliberate": "#c8d8ff",
        "convoy-key": "#00ffff",
        "convoy-trend": "#ffffff",
        "convoy-faint": "#8c8c8c",
    },
)
THEMES = (DARK, LIGHT, HIGH_CONTRAST)
FALLBACKS = {
    "convoy-dim": "text-muted",
    "convoy-deliberate": "text-secondary",
    "convoy-key": "text-accent",
    "convoy-trend": "text-primary",
    "convoy-faint": "text-muted",
}
"""Replacements for Convoy's own colours in other themes."""


def known(name: str) -> str:
    """The theme of that name, or the first."""
    return next((theme.name for theme in THEMES if theme.name == name), THEMES[0].name)


def following(name: str) -> str:
    """The theme after this one; the first after one that is not ours."""
    names = [theme.name for theme in THEMES]
    return names[(names.index(name) + 1 if name in names else 0) % len(names)]
