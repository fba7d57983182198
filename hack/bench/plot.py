"""docs/bench.svg: the operator's memory while objects converge, with the bar of report.py."""
from .report import ANON_MIB_IDLE_MOST, parts, record_bytes_most

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 410, 56, 170, 54, 52
LINES = (  # key of the result, place in a point of the curve, name, colour
    ("rss_mib", 1, "VmRSS", "#1f5fa8"),
    ("anon_mib", 2, "RssAnon", "#c4571a"),
)
STYLE = ("text { font: 13px sans-serif } .bar { stroke-width: 2; stroke-dasharray: 4 3 } "
         ".line { fill: none; stroke-width: 2; stroke-linejoin: round } .title { font-weight: bold }")


def nice_step(most):
    """So that there are four to nine steps."""
    return next(step for step in (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if most / step < 10)


class Plane:
    """Objects to the right, MiB upwards."""

    def __init__(self, objects, mib):
        self._objects, self._mib = objects, mib
        self.items = []

    def x(self, objects):
        return LEFT + (WIDTH - LEFT - RIGHT) * objects / self._objects

    def y(self, mib):
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * mib / self._mib

    def text(self, x, y, text, anchor="start", kind="", colour="#333"):
        self.items.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}" style="fill: {colour}">'
                          f'{text}</text>')

    def line(self, points, kind, colour="#ddd"):
        path = " ".join(f"{self.x(objects):.1f},{self.y(mib):.1f}" for objects, mib in points)
        self.items.append(f'<polyline points="{path}" class="{kind}" style="stroke: {colour}; fill: none"/>')

    def dot(self, objects, mib, colour):
        self.items.append(f'<circle cx="{self.x(objects):.1f}" cy="{self.y(mib):.1f}" r="4.5" style="fill: {colour}"/>')

    def grid(self):
        for mib in range(0, int(self._mib) + 1, nice_step(self._mib)):
            self.line([(0, mib), (self._objects, mib)], "grid")
            self.text(LEFT - 8, self.y(mib) + 4, mib, "end")
        for objects in range(0, self._objects + 1, nice_step(self._objects)):
            self.text(self.x(objects), HEIGHT - BOTTOM + 20, f"{objects:,}", "middle")
        self.text(LEFT - 40, TOP - 34, "Memory of the operator in MiB", kind="title")
        self.text(LEFT - 40, TOP - 16, "lines: while it is at work; dots: when all is quiet; dashes: the bar")
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "GitLabRunners that have converged", "middle")

    def svg(self):
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            "<title>Memory of the operator</title>", f"<style>{STYLE}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>', *self.items, "</svg>", ""])


def bar_of(run, key):
    """There is one for what is the operator's alone."""
    if key != "anon_mib":
        return None
    return ANON_MIB_IDLE_MOST + run["objects"] * record_bytes_most(run["result"]["text_bytes_per_object"]) / (1 << 20)


def draw_settled(plane, run, key, name, colour):
    """What the memory is when all have converged, and its bar."""
    at, mib, most = run["objects"], run["result"][key], bar_of(run, key)
    label = f"{name} {mib:.1f}" + (f" (bar {most:.0f})" if most else "")
    plane.dot(at, mib, colour)
    plane.text(plane.x(at) + 10, plane.y(mib) + 4, label, colour=colour)
    if most:
        plane.line([(at * 0.94, most), (at, most)], "bar", colour)


def plot():
    """The line is that of the run with the most objects, while it is at work; the dots are those of all runs."""
    runs = sorted(parts().values(), key=lambda run: run["objects"])
    points = runs[-1]["curve"]
    plane = Plane(runs[-1]["objects"], 1.08 * max(bar_of(runs[-1], "anon_mib"), *(point[1] for point in points)))
    plane.grid()
    for key, place, name, colour in LINES:
        plane.line([(point[0], point[place]) for point in points], "line", colour)
        for run in runs:
            draw_settled(plane, run, key, name, colour)
    return plane.svg()
