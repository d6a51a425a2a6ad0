import json
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from debian import install
from workflow_runs import run

pytestmark = pytest.mark.slow
LOOK = """
<script>
const loaded = (made, start) => new Promise(resolve => { made.onload = resolve; start(); });
const bytes = uri => Uint8Array.from(atob(uri.split(",")[1]), character => character.charCodeAt(0));
setTimeout(async () => {
  const seen = { categories, figures: {}, tables: {}, captions: {} };
  for (const [path, entry] of Object.entries(results)) {
    seen.captions[path] = new DOMParser().parseFromString(entry.caption, "text/html").body.textContent;
    if (entry.mime_type.startsWith("image/")) {
      const image = new Image();
      await loaded(image, () => { image.src = entry.data_uri; });
      seen.figures[path] = image.naturalWidth;
    } else {
      const frame = document.createElement("iframe");
      frame.srcdoc = new TextDecoder().decode(bytes(entry.data_uri));
      await loaded(frame, () => document.body.append(frame));
      const page = frame.contentDocument, search = page.getElementById("search");
      const count = () => page.querySelectorAll("tbody tr").length;
      const all = count();
      search.value = "pixels micro";
      search.dispatchEvent(new Event("input"));
      seen.tables[path] = { all, found: count() };
    }
  }
  app.showCategory("Figures");
  await new Promise(resolve => setTimeout(resolve, 500));
  seen.menu = document.querySelector("#app").textContent;
  app.setView({ content: "stats" });
  await new Promise(resolve => setTimeout(resolve, 1500));
  const shades = canvas => new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size;
  seen.charts = [...document.querySelectorAll("#app canvas")].map(shades);
  seen.timed = runtimes_spec.data.values.map(job => job.rule);
  const pre = document.createElement("pre");
  pre.id = "seen";
  pre.textContent = JSON.stringify(seen);
  document.body.append(pre);
}, 1000);
</script>
"""


@pytest.fixture(scope="module")
def chromium() -> list[str]:
    """The command that starts Chromium without window and network. A missing one is installed (Debian, as root)."""
    if shutil.which("chromium") is None:
        install("chromium")
    offline = ["--host-resolver-rules=MAP * ~NOTFOUND"]
    return ["chromium", "--headless", "--no-sandbox", "--disable-gpu", *offline, "--virtual-time-budget=60000"]


def test_the_report_shows_every_figure_and_table_in_a_browser_without_a_network(finished, chromium, tmp_path):
    report = tmp_path / "report.html"
    done = run(finished, "--report", str(report))
    assert done.returncode == 0, done.stdout
    assert not re.search(r'(?:src|href)="https?://[^"]+\.(?:js|css|png|woff2?)"', report.read_text())
    page = tmp_path / "looked_at.html"
    page.write_text(report.read_text() + LOOK)
    shown = subprocess.run(
        [*chromium, f"--user-data-dir={tmp_path}/profile", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    dom = re.search(r'<pre id="seen">(.*?)</pre>', shown.stdout, re.DOTALL)
    assert dom, shown.stderr[-2000:]
    seen = json.loads(dom.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    results = finished / "results"
    figures = {path.relative_to(finished).as_posix() for path in results.glob("figures/**/*.png")}
    assert set(seen["figures"]) == figures
    assert min(seen["figures"].values()) > 500
    tables = {path.stem for path in results.glob("tables/*.csv")}
    assert {Path(path).stem for path in seen["tables"]} == tables
    assert all(len(caption) > 40 for caption in seen["captions"].values())
    assert {path for part in seen["categories"]["Figures"].values() for path in part} == figures
    assert "small" in seen["menu"]
    assert len(seen["charts"]) == 2  # one of running times, one of dates
    assert min(seen["charts"]) > 10
    assert {"embed_images", "score_retrieval"} <= set(seen["timed"])
    scores = pd.read_csv(results / "tables/retrieval.csv", dtype="str")
    scores = scores[scores["k"].isin(["1", "3", "5", "10"]) | scores["k"].isna()]
    found = scores[(scores["model"] == "pixels") & (scores["average"] == "micro")]
    assert seen["tables"]["results/pages/retrieval.html"] == {"all": min(len(scores), 1000), "found": len(found)}
