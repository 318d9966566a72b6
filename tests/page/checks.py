"""What has to be so of the page in a browser: one function a fact, run by ``browser.py`` on ``index.html``.

The page is that of ``sample.document()``; ``large.html`` is that of ``sample.large()``. A check fails with an
exception; whatever the page itself complains of fails it too.
"""

from __future__ import annotations

import time
from typing import Any

from browser import Browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

OPEN = "cell=squeezenet-1.1-seeded/ncnn"
AA = 4.5
"""WCAG 2.2, 1.4.3: contrast of text."""

SYMBOLS = """
return [...document.querySelectorAll("#matrix tbody tr")].filter((row) => !row.hidden).map((row) =>
  [...row.cells].slice(1).filter((cell) => !cell.hidden).map((cell) => cell.querySelector("b")?.textContent ?? ""))
"""
WIDE = """
return [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth
  && !each.closest("#scroller, .wide")).map((each) => each.tagName + "." + each.className + "#" + each.id)
"""
CUT = """
return [...document.querySelectorAll(arguments[0])].filter((table) =>
  table.parentElement.scrollWidth > table.parentElement.clientWidth).map((table) => table.getAttribute("aria-label"))
"""
MOVES = """
return [...document.querySelectorAll("*")].filter((each) => parseFloat(getComputedStyle(each).transitionDuration) > 0
  || getComputedStyle(each).animationName !== "none").length
"""
CONTRASTS = """
const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
const bed = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = channels(getComputedStyle(each).backgroundColor);
    if (colour.length < 4 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
const speaks = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
const texts = [...document.querySelectorAll("body *")].filter((element) =>
  element.checkVisibility() && !(element instanceof SVGElement)
  && !element.closest("script, style, option, .heard") && speaks(element));
return texts.map((element) => {
  const [a, b] = [light(channels(getComputedStyle(element).color)), light(bed(element))].sort((x, y) => y - x);
  return [(a + 0.05) / (b + 0.05), `${element.tagName}.${element.className} ${element.textContent.slice(0, 30)}`];
}).filter(([ratio]) => ratio < arguments[0]);
"""


def the_matrix_has_the_right_cells(browser: Browser) -> None:
    browser.open()
    rows = browser.js(SYMBOLS)
    exact = ["√"] * 9
    assert rows == [exact, exact, [*exact[:5], "o", *exact[6:]], ["✗", "", *exact[2:]], [""] * 9, ["√", *[""] * 8]]
    assert browser.text("h1") == "transship 34 of 54 exact"
    assert "34 exact" in browser.text(".counts")
    assert "18 not verified" in browser.text(".counts")
    assert "2026-11-22 · version 0.1.0" in browser.text("header p")
    spoken = browser.js("return document.querySelector('#matrix td.close').textContent")
    assert "close" in spoken, "those who hear the page get the verdict as a word"


def filters_leave_what_is_asked_for(browser: Browser) -> None:
    browser.open()
    browser.one("[name=q]").send_keys("RESNET18")
    assert len(browser.js(SYMBOLS)) == 2, "an alias, whatever its case"
    assert browser.text("#showing") == "2 of 6 models"
    browser.choose("weights", "seeded")
    assert len(browser.js(SYMBOLS)) == 1
    assert "q=RESNET18".lower() in browser.driver.current_url.lower()
    browser.one("#filters button[type=reset]").click()
    assert len(browser.js(SYMBOLS)) == 6
    assert "#" not in browser.driver.current_url
    browser.one("[value=differs]").click()
    assert [row[0] for row in browser.js(SYMBOLS)] == ["✗"]
    browser.one("[value=close]").click()
    assert len(browser.js(SYMBOLS)) == 2
    browser.choose("target", "ncnn")
    assert browser.js(SYMBOLS) == [["o"]]
    browser.one("[name=q]").send_keys("nobody")
    assert browser.text("#nothing") == "No model matches these filters."
    assert not browser.all("#matrix")


def the_address_keeps_the_state(browser: Browser) -> None:
    browser.open(fragment=f"q=squeeze&verdict=close&{OPEN}")
    assert browser.js(SYMBOLS)[0][5] == "o"
    assert len(browser.js(SYMBOLS)) == 1
    assert browser.text("#detail h2") == "SqueezeNet 1.1 → ncnn"
    browser.js("location.hash = 'weights=pretrained'")
    browser.settle()
    assert len(browser.js(SYMBOLS)) == 2
    assert not browser.all("#detail")
    browser.open(fragment="cell=nobody/nothing&weights=%3Cb%3E&verdict=all&target=x")
    assert len(browser.js(SYMBOLS)) == 6


def a_click_opens_what_is_behind_a_cell(browser: Browser) -> None:
    browser.open()
    browser.js("return [...document.querySelectorAll('#matrix td.close')][0]").click()
    detail = browser.text("#detail")
    for said in (
        "SqueezeNet 1.1 → ncnn",
        "o close error 2.40e-03",
        "prob_output: max_rel 2.4e-03, allowed 1e-04",
        "Expected, and accepted as close: fp16 by choice",
        "Seeded weights: drawn from each parameter's name and shape",
        "Limits of its own: weights rounded to 11 significant bits, as measured.",
        "mxnet 1.9.1",
        "ncnn 9.8.7",
        "0123456789ab",
        "doit convert:squeezenet-1.1-seeded-ncnn",
        "all, one after the other 72.3 s",
    ):
        assert said in detail, f"{said!r} is not in {detail}"
    assert browser.one("#matrix [aria-selected=true]").get_attribute("class") == "close"
    assert OPEN in browser.driver.current_url.replace("%2F", "/")


def detections_are_counted(browser: Browser) -> None:
    browser.open(fragment="cell=resnet-18-seeded/keras")
    detail = browser.text("#detail")
    for said in ("least IoU", "400 401 399 1.3e-06 0.9973", "compared one to one, in any order"):
        assert said in " ".join(detail.split()), f"{said!r} is not in {detail}"
    browser.open(fragment=OPEN)
    assert "least IoU" not in browser.text("#detail")


def the_top_five_stand_side_by_side(browser: Browser) -> None:
    browser.open(fragment=OPEN)
    table = browser.js("return document.querySelectorAll('#detail table.ranks')[1].innerText")
    rows = [line.split("\t") for line in table.splitlines()]
    assert rows[1] == ["1", "Egyptian cat (285)", "0.4", "=", "Egyptian cat (285)", "0.4"]
    assert [row[3] for row in rows[1:]] == ["=", "=", "=", "≠", "≠"]
    assert rows[3][1] == "class 287"
    pictures = browser.js("return [...document.querySelectorAll('#detail img')].map((i) => [i.alt, i.naturalWidth])")
    assert pictures == [["The photograph “astronaut”", 240], ["The photograph “coffee”", 240]]


def files_are_links_below_build(browser: Browser) -> None:
    browser.open(fragment=OPEN)
    links = browser.js(
        "return [...document.querySelectorAll('#detail a')].map((a) => [a.getAttribute('href'), a.textContent])"
    )
    assert ["../squeezenet-1.1-seeded/ncnn/code/model.py", "squeezenet-1.1-seeded/ncnn/code/model.py"] in links
    assert "../squeezenet-1.1-seeded/ncnn/checkpoint/a%20name%20%231%3F.bin" in [href for href, _ in links]
    assert "12 kB" in browser.text("#detail")
    assert "47 MB" in browser.text("#detail")


def a_fault_is_named_and_forms_are_judged_too(browser: Browser) -> None:
    browser.open(fragment="cell=vgg-19-seeded/caffe")
    detail = browser.text("#detail")
    assert "✗ differs error ∞" in detail
    assert "First bad node stage3_unit3_conv30: it is off" in detail
    assert "The last good value before it: stage3_unit2_relu29_output" in detail
    assert browser.js("return document.querySelector('#detail path.bad').getAttribute('d').length") > 0
    browser.open(fragment="cell=resnet-18-seeded/tensorflow")
    assert "The same of tflite, another file of the checkpoint: √ exact" in browser.text("#detail")
    browser.open(fragment="cell=resnet-18-seeded/coreml")
    assert "† Read back: Core ML itself does not run on Linux" in browser.text("#detail")
    browser.open(fragment="cell=resnet-18-seeded/keras")
    assert "Error of each layer" not in browser.text("#detail"), "a part that there is nothing of is left out"


def the_plot_is_read_by_pointer_and_by_keyboard(browser: Browser) -> None:
    browser.open(fragment=OPEN)
    plot = browser.one("#detail svg")
    assert plot.get_attribute("aria-valuemax") == "60"
    plot.send_keys(Keys.HOME)
    assert browser.text("#layer-readout").startswith("0 stage1_unit1_conv0 Conv")
    plot.send_keys(Keys.ARROW_RIGHT)
    assert "stage1_unit1_batc1 BatchNormalization" in browser.text("#layer-readout")
    assert plot.get_attribute("aria-valuetext").startswith("2 of 60: stage1_unit1_batc1 (BatchNormalization), error ")
    plot.send_keys(Keys.END)
    assert browser.text("#layer-readout").endswith("60 of 60")
    ActionChains(browser.driver).move_to_element(plot).perform()
    place = int(plot.get_attribute("aria-valuenow"))
    assert 25 <= place <= 37, "the middle, but for the scale's margin"
    browser.one("#layer-table summary").click()
    browser.settle()
    assert browser.js("return document.querySelectorAll('#layer-table tbody tr').length") == 60
    browser.open(fragment="cell=vgg-19-seeded/caffe")
    browser.one("#detail svg").send_keys(Keys.HOME, *[Keys.ARROW_RIGHT] * 40)
    assert browser.text("#layer-readout").startswith("not measured")
    browser.one("#detail svg").send_keys(Keys.ARROW_RIGHT)
    assert browser.text("#layer-readout").startswith("∞")


def the_keyboard_alone_will_do(browser: Browser) -> None:
    browser.open()
    for _ in range(20):
        browser.type(Keys.TAB)
        if browser.focus().tag_name == "td":
            break
    browser.type(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.END, Keys.HOME, *[Keys.ARROW_RIGHT] * 5)
    assert browser.focus().get_attribute("class") == "close"
    assert browser.js("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.type(Keys.ENTER)
    assert browser.focus().text == "SqueezeNet 1.1 → ncnn"
    browser.type(Keys.ESCAPE)
    assert not browser.all("#detail")
    assert browser.focus().get_attribute("class") == "close", "the focus is back where it came from"
    browser.type(Keys.CONTROL + Keys.HOME)
    browser.type(Keys.ARROW_UP, Keys.ARROW_LEFT)
    assert browser.js("return [document.activeElement.cellIndex, document.activeElement.parentElement.rowIndex]") == [
        1,
        1,
    ]
    assert browser.js("return document.querySelectorAll('#matrix [tabindex=\"0\"]').length") == 1


def colours_can_be_read_in_light_and_dark(browser: Browser) -> None:
    beds = set()
    for scheme in ("light", "dark"):
        for cell in ("squeezenet-1.1-seeded/ncnn", "vgg-19-seeded/caffe"):
            browser.open(fragment=f"cell={cell}", color_scheme=scheme)
            pale = browser.js(CONTRASTS, AA)
            assert not pale, f"{scheme}: {pale[:5]}"
        beds.add(browser.js("return getComputedStyle(document.documentElement).backgroundColor"))
    assert len(beds) == 2


def nothing_of_the_details_is_cut_off(browser: Browser) -> None:
    for width, tables in ((1280, "table:not([aria-label=Files])"), (390, "table.ranks")):
        browser.open(fragment="cell=resnet-18-seeded/tensorflow", width=width)
        cut = browser.js(CUT, f"#detail {tables}")
        assert not cut, f"{width} pixels: {cut}"


def a_theme_can_be_chosen(browser: Browser) -> None:
    browser.open(color_scheme="light")
    bed = "return getComputedStyle(document.documentElement).backgroundColor"
    light = browser.js(bed)
    browser.choose("theme", "dark")
    assert browser.js(bed) != light
    browser.choose("theme", "")
    assert browser.js(bed) == light


def a_phone_shows_it_all(browser: Browser) -> None:
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    browser.open(width=390, height=844)
    assert browser.js(wide) == 0, ("the matrix scrolls, not the page", browser.js(WIDE))
    browser.open(fragment=OPEN, width=390, height=844)
    assert browser.js(wide) == 0
    box: dict[str, Any] = browser.js("return document.getElementById('detail').getBoundingClientRect().toJSON()")
    assert (box["left"], box["width"]) == (0, 390)
    assert browser.js("return document.getElementById('page').inert"), "what is covered takes part in nothing"
    browser.one(".close-detail").click()
    assert not browser.js("return document.getElementById('page').inert")


def names_from_strangers_do_nothing(browser: Browser) -> None:
    browser.open(fragment="cell=hostile/caffe")
    shown = "return document.getElementById('detail').textContent.includes(arguments[0])"
    assert browser.js(shown, "<script>alert(1)</script><img src=x onerror=alert(2)>")
    assert (
        browser.js("return document.querySelectorAll('#detail script, #matrix img, #detail img[src=x]').length") == 0
    )
    links = browser.js("return [...document.querySelectorAll('a')].map((a) => a.protocol)")
    assert set(links) <= {"file:"}, "no name is a scheme or another host"
    browser.one("#layer-table summary").click()
    browser.settle()
    assert browser.js("return document.querySelectorAll('#layer-table td').length") > 0


def without_scripts_the_matrix_is_there(browser: Browser) -> None:
    browser.open(scripts=False)
    shown = " ".join(element.text for element in browser.all("#matrix"))
    assert "ResNet-18 v1" in shown
    assert "√" in shown
    assert not browser.all("#filters")
    browser.command("Emulation.setScriptExecutionDisabled", value=False)


def it_can_be_printed(browser: Browser) -> None:
    browser.open(fragment=OPEN, type="print")
    assert not browser.all("#filters")
    assert browser.all("#matrix")


def a_large_report_opens_at_once(browser: Browser) -> None:
    browser.open("large.html")
    timing = browser.js("return performance.getEntriesByType('navigation')[0].toJSON()")
    assert timing["domContentLoadedEventEnd"] < 4000, "milliseconds, of 900 cells with 700 layers each"
    assert len(browser.js(SYMBOLS)) == 100
    started = time.monotonic()
    browser.js("document.querySelector('#matrix td[data-cell]').click()")
    assert time.monotonic() - started < 1, "its details are drawn when it is opened"
    assert "700 values" in browser.js("return document.querySelector('#detail svg').textContent")


def nothing_moves_where_that_is_not_wanted(browser: Browser) -> None:
    browser.open(fragment=OPEN, reduced_motion="no-preference")
    assert browser.js(MOVES) > 0
    browser.open(fragment=OPEN, reduced_motion="reduce")
    assert browser.js(MOVES) == 0
