"""HTML pages of pictures."""

import dataclasses
import html
import json
import pathlib
import urllib.parse

from hdgan.data.files import write_file
from hdgan.data.image_files import write_png

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto;
  padding: 0 1rem; max-width: 1600px; color: #222; background: #fafafa; }}
h1 {{ font-size: 1.5rem; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 .5rem; }}
.row {{ display: grid; gap: .75rem; margin-bottom: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); }}
figure {{ margin: 0; }}
figure img {{ width: 100%; height: auto; display: block; border-radius: 4px; }}
figcaption {{ font-size: .85rem; color: #555; }}
ul.legend {{ list-style: none; padding: 0; display: flex; flex-wrap: wrap;
  gap: .25rem 1rem; font-size: .85rem; }}
ul.legend span {{ display: inline-block; width: .9em; height: .9em;
  margin-right: .4em; border: 1px solid #0003; vertical-align: -.1em; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .9rem; margin: .5rem 0 1rem; }}
th, td {{ padding: .2rem .6rem; border-bottom: 1px solid #ddd;
  text-align: right; font-variant-numeric: tabular-nums; }}
th:first-child, td:first-child {{ text-align: left; }}
table.facts th, table.facts td {{ text-align: left; }}
table.facts td {{ overflow-wrap: anywhere; }}
pre {{ background: #eee; padding: .6rem; border-radius: 4px;
  white-space: pre-wrap; }}
td.cell {{ border: 1px solid #fff; min-width: 2.2rem; font-size: .75rem;
  text-align: center; padding: .2rem; }}
table.matrix th {{ font-weight: normal; font-size: .8rem; }}
table.matrix thead th {{ text-align: center; }}
.bars {{ display: grid; gap: 1px; min-width: 12rem; }}
.bars span {{ display: block; height: .55em; border-radius: 2px; }}
small {{ color: #555; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{introduction}</p>
{slider}
{legend}
{body}
{sections}
{script}
</body>
</html>
"""


# One slider chooses the step of all pictures that have a history.
_SLIDER = """<p><label>Step <input type="range" id="step" min="0" max="{last}"
value="{last}"> <output id="chosen">{step}</output></label></p>"""
_SCRIPT = """<script>
const steps = {steps};
const slider = document.getElementById("step");
slider.addEventListener("input", () => {{
  const step = steps[slider.value];
  document.getElementById("chosen").value = step;
  for (const image of document.querySelectorAll("img[data-steps]")) {{
    const sources = JSON.parse(image.dataset.steps);
    if (step in sources) image.src = image.parentNode.href = sources[step];
  }}
}});
</script>"""


@dataclasses.dataclass(frozen=True)
class PictureFile:
    """A picture that is there already.

    Args:
        shape: `(height, width, channels)`.
        source: str, its path relative to the page.
    """

    shape: tuple
    source: str


@dataclasses.dataclass(frozen=True)
class PictureHistory:
    """Pictures of one size that a training wrote at several steps.

    Args:
        shape: `(height, width, channels)` of each.
        sources: dict from step to the picture's path relative to the page.
    """

    shape: tuple
    sources: dict


def write_page(
    path,
    title,
    introduction,
    sections,
    labels=None,
    folder="images",
    body="",
):
    """Writes an HTML page of pictures, and the pictures.

    The pictures are written to a folder beside the page. The page is then
    replaced atomically.

    Args:
        path: path of the page's file.
        title: str.
        introduction: str, a paragraph.
        sections: list of `(heading, name, pictures)`: a str, the start of the
            pictures' file names, and a dict from caption to uint8 array
            `(height, width, 3)`, to a `PictureFile`, or to a
            `PictureHistory`, of which a slider chooses the step.
        labels: `LabelSet` whose colors the page explains. Defaults to None.
        folder: str, name of the folder of the pictures. Defaults to
            `"images"`.
        body: str, HTML before the sections, such as `hdgan.reports.tables`
            makes. Defaults to nothing.

    Raises:
        OSError: if a file can't be written.

    Example:
        >>> pictures = {"Label map": colors, "Generated": photo}
        >>> write_page(
        ...     "index.html", "Samples", "", [("Scene 1", "scene-1", pictures)]
        ... )
    """
    path = pathlib.Path(path)
    (path.parent / folder).mkdir(parents=True, exist_ok=True)
    parts = []
    steps = set()
    for heading, name, pictures in sections:
        figures = []
        for number, (caption, picture) in enumerate(pictures.items()):
            history = None
            if isinstance(picture, PictureHistory):
                history = picture.sources
                steps |= history.keys()
                source = history[max(history)]
            elif isinstance(picture, PictureFile):
                source = picture.source
            else:
                source = f"{folder}/{name}-{number}.png"
                write_png(path.parent / source, picture)
            figures.append(_figure(source, caption, picture.shape, history))
        parts.append(
            f"<h2>{html.escape(heading)}</h2>\n"
            f'<div class="row">\n{"".join(figures)}</div>\n'
        )
    steps = sorted(steps)
    has_slider = len(steps) > 1
    text = _PAGE.format(
        title=html.escape(title),
        introduction=html.escape(introduction),
        slider=_SLIDER.format(last=len(steps) - 1, step=steps[-1])
        if has_slider
        else "",
        legend=_legend(labels),
        body=body,
        sections="".join(parts),
        script=_SCRIPT.format(steps=steps) if has_slider else "",
    )
    write_file(path, text)


def _figure(source, caption, shape, history):
    text = html.escape(caption)
    source = urllib.parse.quote(source)
    steps = ""
    if history is not None:
        steps = f' data-steps="{html.escape(json.dumps(history))}"'
    return (
        f'<figure><a href="{source}"><img src="{source}" alt="{text}" '
        f'width="{shape[1]}" height="{shape[0]}"{steps}></a>'
        f"<figcaption>{text}</figcaption></figure>\n"
    )


def _legend(labels):
    if labels is None:
        return ""
    items = "".join(
        f'<li><span style="background: rgb{color}"></span>'
        f"{html.escape(name)}</li>"
        for name, color in zip(labels.names, labels.colors, strict=True)
    )
    return f'<ul class="legend">{items}</ul>'
