# torch is not installed where types are checked
# mypy: ignore-errors
"""Functions that generated code takes what it needs of: what PyTorch has no single function for.

They are never imported here. The emitter copies the source of those that a network uses, and of those that these use
in turn, into its code, so all that they may use is what the imports below name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - what everybody calls it


def sign(x: Tensor) -> Tensor:
    """-1, 0, 1, or what is no number."""
    return torch.where(x.isnan(), x, torch.sign(x))


def gamma(x: Tensor) -> Tensor:
    """The gamma function, computed in float64; no number at the negative integers."""
    wide = x.double()
    negative = (wide < 0) & (torch.floor(wide) % 2 == 1)
    size = torch.lgamma(wide).exp()
    pole = (wide < 0) & (wide == torch.floor(wide))
    return torch.where(pole, math.nan, torch.where(negative, -size, size)).to(x.dtype)


def average_pool(x: Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> Tensor:
    """Average what of each window lies within ``x``; ``padding`` is as F.pad takes it."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    share = pool(F.pad(torch.ones_like(x[:1, :1]), padding), kernel, stride)
    return pool(F.pad(x, padding), kernel, stride) / share


def lp_pool(x: Tensor, p: int, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int]) -> Tensor:
    """Take the p-norm of each window; ``padding`` is as F.pad takes it."""
    pool = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    powers = F.pad(x, padding).abs().pow(p)
    return (pool(powers, kernel, stride) * math.prod(kernel)).pow(1 / p)


def instance_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Normalize each channel of each image, of any number of pixels."""
    axes = tuple(range(2, x.dim()))
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    shape = (-1, *(1 for _ in axes))
    return (x - mean) / torch.sqrt(variance + eps) * weight.reshape(shape) + bias.reshape(shape)


def integer_mean(x: Tensor, dim: int | tuple[int, ...], keepdim: bool) -> Tensor:
    """Average integers, and cut what is behind the point."""
    axes = (dim,) if isinstance(dim, int) else dim
    count = math.prod(x.shape[axis] for axis in axes)
    return torch.div(x.sum(dim, keepdim=keepdim, dtype=x.dtype), count, rounding_mode="trunc")


def exclusive_sum(x: Tensor, dim: int, reverse: bool) -> Tensor:
    """Add up the elements before each one, or after it."""
    x = x.flip(dim) if reverse else x
    before = torch.cat([torch.zeros_like(x.narrow(dim, 0, 1)), x], dim=dim)
    total = before.narrow(dim, 0, x.shape[dim]).cumsum(dim, dtype=x.dtype)
    return total.flip(dim) if reverse else total


def wrapped(index: Tensor, size: int) -> Tensor:
    """Count negative indices from the end."""
    return torch.where(index < 0, index + size, index)


def gather_nd(x: Tensor, index: Tensor, batch_dims: int) -> Tensor:
    """Take the elements or slices at the tuples in the last axis of ``index``, for each of the first axes apart."""
    shape = index.shape[:-1]
    batch = [
        torch.arange(x.shape[axis], device=x.device).reshape(
            [-1 if place == axis else 1 for place in range(len(shape))]
        )
        for axis in range(batch_dims)
    ]
    return x[(*batch, *index.unbind(-1))]


def reverse_sequence(x: Tensor, lengths: Tensor, time: int, batch: int) -> Tensor:
    """Reverse the first ``lengths`` elements along ``time``, of each element of ``batch`` its own number."""
    moved = x.movedim((time, batch), (0, 1))
    places = torch.arange(moved.shape[0], device=x.device).unsqueeze(1)
    source = torch.where(places < lengths, lengths - 1 - places, places)
    columns = torch.arange(moved.shape[1], device=x.device)
    return moved[source, columns].movedim((0, 1), (time, batch))


def top_k(x: Tensor, k: int, dim: int, largest: bool) -> tuple[Tensor, Tensor]:
    """The ``k`` largest or smallest elements and their places; of equal ones the first."""
    values, places = x.sort(dim=dim, descending=largest, stable=True)
    return values.narrow(dim, 0, k), places.narrow(dim, 0, k)


def resize(x: Tensor, axes: tuple[int, int], size: tuple[int, int], aligned: bool) -> Tensor:
    """Resize images whose rows and columns lie along any two ``axes``, linearly."""
    moved = x.movedim(axes, (-2, -1))
    planes = moved.reshape(1, -1, *moved.shape[-2:])
    resized = F.interpolate(planes, size, mode="bilinear", align_corners=aligned)
    return resized.reshape(*moved.shape[:-2], *size).movedim((-2, -1), axes)


def depth_to_space(x: Tensor, size: int) -> Tensor:
    """Spread channels over blocks of ``size`` x ``size`` pixels, the pixels' number being the slower one."""
    _, channels, height, width = x.shape
    blocks = x.reshape(-1, size, size, channels // size**2, height, width).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(-1, channels // size**2, height * size, width * size)


def space_to_depth(x: Tensor, size: int) -> Tensor:
    """Gather blocks of ``size`` x ``size`` pixels into channels, the pixels' number being the slower one."""
    _, channels, height, width = x.shape
    blocks = x.reshape(-1, channels, height // size, size, width // size, size).permute(0, 3, 5, 1, 2, 4)
    return blocks.reshape(-1, channels * size**2, height // size, width // size)


def roi_align(
    x: Tensor,
    rois: Tensor,
    images: Tensor,
    size: tuple[int, int],
    scale: float,
    samples: int,
    aligned: bool,
) -> Tensor:
    """Average bilinear samples of each cell of each region.

    Args:
        x: Images, N x C x H x W.
        rois: Regions, R x 4: left, top, right, bottom.
        images: The image of each region, R.
        size: Rows and columns of cells.
        scale: From the regions' coordinates to pixels.
        samples: How many a cell has each way; 0 for as many as it has pixels.
        aligned: Whether a pixel's centre is half a pixel from its corner.

    Returns:
        R x C x rows x columns.
    """
    corners = rois * scale - (0.5 if aligned else 0.0)
    rows = roi_weights(corners[:, 1], corners[:, 3], size[0], x.shape[2], samples, aligned)
    columns = roi_weights(corners[:, 0], corners[:, 2], size[1], x.shape[3], samples, aligned)
    by_column = torch.matmul(x[images], columns.transpose(1, 2).unsqueeze(1))
    return torch.matmul(rows.unsqueeze(1), by_column)


def roi_weights(start: Tensor, end: Tensor, cells: int, length: int, samples: int, aligned: bool) -> Tensor:
    """How much of each of ``length`` pixels is in the average of each cell, R x cells x length.

    Samples that are more than a pixel outside of the image count as 0. There is at most a handful of others for each
    pixel, so no more are looked at, however long the region is.
    """
    extent = end - start if aligned else (end - start).clamp(min=1.0)
    cell = (extent / cells).reshape(-1, 1, 1)
    count = torch.full_like(cell, samples) if samples else torch.ceil(cell)
    number = torch.arange(cells, dtype=start.dtype, device=start.device).reshape(1, -1, 1)
    origin = start.reshape(-1, 1, 1) + number * cell
    step = cell / count.clamp(min=1.0)
    first = torch.floor((-1.0 - origin) / step - 0.5).clamp(min=0.0) if not samples else torch.zeros_like(origin)
    first = torch.where(torch.isfinite(first), first, 0.0)
    most = samples or 2 * length + 8
    sample = first + torch.arange(most, dtype=start.dtype, device=start.device)
    place = origin + (sample + 0.5) * cell / count.clamp(min=1.0)
    inside = (sample < count) & (place >= -1.0) & (place <= length)
    place = place.clamp(min=0.0)
    low = torch.floor(place).clamp(max=length - 1.0)
    fraction = torch.where(low >= length - 1.0, 0.0, place - low)
    pixels = torch.arange(length, dtype=start.dtype, device=start.device)
    low, fraction = low.unsqueeze(-1), fraction.unsqueeze(-1)
    weights = (pixels == low) * (1 - fraction) + (pixels == low + 1) * fraction
    return (weights * inside.unsqueeze(-1)).sum(2) / count.clamp(min=1.0)


def max_roi_pool(x: Tensor, rois: Tensor, size: tuple[int, int], scale: float) -> Tensor:
    """Take the largest element of each cell of each region; 0 of a cell without elements.

    Args:
        x: Images, N x C x H x W.
        rois: Regions, R x 5: image, left, top, right, bottom.
        size: Rows and columns of cells.
        scale: From the regions' coordinates to pixels.

    Returns:
        R x C x rows x columns.
    """
    corners = rounded(rois[:, 1:] * scale)
    rows = roi_cells(corners[:, 1], corners[:, 3], size[0], x.shape[2])
    columns = roi_cells(corners[:, 0], corners[:, 2], size[1], x.shape[3])
    chosen = x[rois[:, 0].long()]
    lowest = float("-inf")
    strips = [torch.where(rows[:, cell, None, :, None], chosen, lowest).amax(2) for cell in range(size[0])]
    by_row = torch.stack(strips, dim=2)
    cells = [torch.where(columns[:, cell, None, None, :], by_row, lowest).amax(3) for cell in range(size[1])]
    found = torch.stack(cells, dim=3)
    filled = (rows.any(2).unsqueeze(2) & columns.any(2).unsqueeze(1)).unsqueeze(1)
    return torch.where(filled, found, 0.0)


def rounded(x: Tensor) -> Tensor:
    """Round halves away from zero."""
    whole = torch.trunc(x)
    return whole + torch.where((x - whole).abs() >= 0.5, torch.sign(x), 0.0)


def roi_cells(start: Tensor, end: Tensor, cells: int, length: int) -> Tensor:
    """Which of ``length`` pixels each cell has, R x cells x length."""
    extent = (end - start + 1).clamp(min=1.0)
    cell = (extent / cells).unsqueeze(1)
    number = torch.arange(cells, dtype=start.dtype, device=start.device)
    first = (torch.floor(number * cell) + start.unsqueeze(1)).clamp(0, length).unsqueeze(2)
    last = (torch.ceil((number + 1) * cell) + start.unsqueeze(1)).clamp(0, length).unsqueeze(2)
    pixels = torch.arange(length, dtype=start.dtype, device=start.device)
    return (pixels >= first) & (pixels < last)


def deform_conv2d(
    x: Tensor,
    weight: Tensor,
    offset: Tensor,
    bias: Tensor | None,
    mask: Tensor | None,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    offset_groups: int,
) -> Tensor:
    """Convolve, with each tap moved by an offset of its own, and weighted by ``mask``.

    Args:
        x: N x C x H x W.
        weight: O x C / groups x rows x columns.
        offset: N x (offset_groups * rows * columns * 2) x H' x W'; of two numbers the vertical one first.
        bias: O.
        mask: N x (offset_groups * rows * columns) x H' x W'.
        stride: From one place to the next.
        padding: Before the image.
        dilation: From one tap to the next.
        groups: Of channels that are convolved apart.
        offset_groups: Of channels that are moved apart.

    Returns:
        N x O x H' x W'.
    """
    filters, _, rows, columns = weight.shape
    height, width = offset.shape[2:]
    shape = (-1, offset_groups, rows * columns, height, width)
    moves = offset.reshape(-1, offset_groups, rows * columns, 2, height, width)
    grid_y = tap_places(rows, height, stride[0], padding[0], dilation[0], offset)
    grid_x = tap_places(columns, width, stride[1], padding[1], dilation[1], offset)
    y = moves[:, :, :, 0] + grid_y.repeat_interleave(columns, 0).unsqueeze(2)
    x_places = moves[:, :, :, 1] + grid_x.repeat(rows, 1).unsqueeze(1)
    images = x.reshape(-1, offset_groups, x.shape[1] // offset_groups, x.shape[2], x.shape[3])
    taps = bilinear(images, y, x_places)
    if mask is not None:
        taps = taps * mask.reshape(shape).unsqueeze(2)
    taps = taps.reshape(-1, groups, x.shape[1] // groups * rows * columns, height * width)
    found = weight.reshape(groups, filters // groups, -1) @ taps
    found = found.reshape(-1, filters, height, width)
    return found if bias is None else found + bias.reshape(-1, 1, 1)


def tap_places(taps: int, count: int, stride: int, padding: int, dilation: int, like: Tensor) -> Tensor:
    """Where along an axis each tap is at each of ``count`` places, taps x count."""
    first = torch.arange(count, dtype=like.dtype, device=like.device) * stride - padding
    return first + torch.arange(taps, dtype=like.dtype, device=like.device).unsqueeze(1) * dilation


def bilinear(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Sample images between their pixels, 0 outside.

    Args:
        x: N x G x C x H x W.
        rows: Vertical places, N x G x ...
        columns: Horizontal places, likewise.

    Returns:
        N x G x C x ...
    """
    height, width = x.shape[-2:]
    pixels = x.flatten(3)
    top, left = torch.floor(rows), torch.floor(columns)
    inside = (rows > -1) & (rows < height) & (columns > -1) & (columns < width)
    total = torch.zeros((), dtype=x.dtype, device=x.device)
    for y, x_place, share in (
        (top, left, (top + 1 - rows) * (left + 1 - columns)),
        (top, left + 1, (top + 1 - rows) * (columns - left)),
        (top + 1, left, (rows - top) * (left + 1 - columns)),
        (top + 1, left + 1, (rows - top) * (columns - left)),
    ):
        there = inside & (y >= 0) & (y < height) & (x_place >= 0) & (x_place < width)
        place = torch.where(there, y * width + x_place, 0.0).long().flatten(2).unsqueeze(2)
        found = pixels.gather(3, place.expand(-1, -1, pixels.shape[2], -1))
        found = found.reshape(*found.shape[:3], *rows.shape[2:])
        total = total + found * torch.where(there, share, 0.0).unsqueeze(2)
    return total


def suppress(
    waiting: Tensor,
    kept: Tensor,
    rounds: Tensor,
    least: Tensor,
    most: Tensor,
    area: Tensor,
    kind: Tensor | None,
    threshold: float,
    inclusive: bool,
    margin: float,
) -> Tensor:
    """Keep the first box that is waiting, drop those that overlap it too much, and go on with what is left.

    Args:
        waiting: 1 for each box there is, else 0, ... x 1 x K; the best is the first.
        kept: Boxes that are kept anyway, likewise.
        rounds: How many to keep at most.
        least: Least corners, ... x 2 x K.
        most: Greatest corners, ... x 2 x K.
        area: Areas, ... x 1 x K.
        kind: Classes, ... x 1 x K, if only boxes of one class drop each other.
        threshold: The intersection over union beyond which a box is dropped.
        inclusive: Whether it is at that number already.
        margin: What is added to an intersection's sides.

    Returns:
        Which are kept, ... x 1 x K.
    """
    start = torch.zeros((), dtype=torch.int64, device=waiting.device)
    places = torch.arange(waiting.shape[-1], device=waiting.device)
    extra = (rounds, places, least, most, area, *(() if kind is None else (kind,)))

    def unfinished(number: Tensor, *others: Tensor) -> Tensor:
        return number < others[2]

    def choose(
        number: Tensor,
        waiting: Tensor,
        kept: Tensor,
        _: Tensor,
        places: Tensor,
        least: Tensor,
        most: Tensor,
        area: Tensor,
        *kind: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        first = waiting.argmax(-1, keepdim=True)
        corner = first.expand(*first.shape[:-2], 2, 1)
        low = torch.maximum(least, least.gather(-1, corner))
        high = torch.minimum(most, most.gather(-1, corner))
        common = (high - low + margin).clamp(min=0.0).prod(-2, keepdim=True)
        ratio = common / (area.gather(-1, first) + area - common)
        dropped = ratio >= threshold if inclusive else ratio > threshold
        for own in kind:
            dropped = dropped & (own == own.gather(-1, first))
        chosen = places == first
        return number + 1, torch.where(chosen | dropped, 0.0, waiting), kept | chosen

    return while_loop(unfinished, choose, (start, waiting, kept), extra)[2]


def while_loop(
    condition: Callable[..., Tensor],
    body: Callable[..., tuple[Tensor, ...]],
    carried: tuple[Tensor, ...],
    extra: tuple[Tensor, ...],
) -> tuple[Tensor, ...]:
    """Repeat ``body`` as long as ``condition`` holds, as one operator where the network is exported.

    Both are given what is ``carried`` from round to round, then the ``extra`` tensors; neither may use another one.
    """
    if torch.compiler.is_exporting():
        return torch.ops.higher_order.while_loop(condition, body, carried, extra)
    while condition(*carried, *extra):
        carried = body(*carried, *extra)
    return carried
