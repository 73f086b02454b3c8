"""Small sets of images with boxes, in the forms that data have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlkit.data import scenes

CLASSES = ("圆", "half moon", "star")


class Boxed:
    """Images of 40 x 60 pixels in a folder, and what is in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images = folder / "images"
        self.images.mkdir(parents=True)
        random = np.random.default_rng(3)
        self.boxes: dict[str, list[tuple[list[float], str]]] = {}
        for number in range(8):
            name = f"图{number}.png"
            pixels = random.integers(0, 255, (40, 60, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(self.images / name)
            self.boxes[name] = []
            for _ in range(number % 4):  # two images hold nothing
                left, top = random.integers(0, 40), random.integers(0, 25)
                wide, high = random.integers(4, 20), random.integers(4, 15)
                label = CLASSES[int(random.integers(3))]
                box = [float(left), float(top), float(left + wide), float(top + high)]
                self.boxes[name].append((box, label))

    def coco(self) -> dict:
        """COCO's document; ids are far apart, as real ones are."""
        annotations = []
        for image, some in enumerate(self.boxes.values()):
            for (left, top, right, bottom), label in some:
                annotations.append(
                    {
                        "id": 100 + len(annotations),
                        "image_id": 7 * image,
                        "category_id": 10 + 5 * CLASSES.index(label),
                        "bbox": [left, top, right - left, bottom - top],
                        "area": (right - left) * (bottom - top) * 0.75,
                        "iscrowd": 0,
                    }
                )
        return {
            "images": [
                {"id": 7 * place, "file_name": name, "width": 60, "height": 40}
                for place, name in enumerate(self.boxes)
            ],
            "annotations": annotations,
            "categories": [
                {"id": 10 + 5 * place, "name": name} for place, name in enumerate(CLASSES)
            ],
        }

    def write(self, name: str, content: object) -> Path:
        """A file in the folder: a mapping as JSON, mappings as JSON lines, or text."""
        path = self.folder / name
        if isinstance(content, list):
            content = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in content)
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return path


@pytest.fixture
def boxed(tmp_path: Path) -> Boxed:
    """Images with boxes."""
    return Boxed(tmp_path / "data")


@pytest.fixture
def drawn() -> list[scenes.Scene]:
    """A few drawn scenes."""
    return scenes.draw(6, size=(64, 96), seed=5)
