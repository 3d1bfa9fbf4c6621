#include "audio/ffmpeg_reader.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "audio/child_process.h"
#include "support/descriptor.h"
#include "support/text.h"

namespace timbre {

namespace {

using namespace std::chrono_literals;

/// How often a wait for ffmpeg looks at the interrupt.
constexpr std::chrono::milliseconds kGlance = 20ms;
/// Address space; ffmpeg needs about 300 MB with all its libraries mapped.
constexpr std::uint64_t kMemory = 2ULL << 30;
/// An AU header of ffmpeg's: 24 bytes and an annotation of 8.
constexpr std::size_t kAuHeader = 24;
constexpr std::uint32_t kAuFloat = 6;

struct Program {
  std::string path;
  std::vector<std::string> environment;  ///< the little that a program needs to find its libraries
};

Program find(std::string_view path, std::string_view library_path) {
  Program result;
  result.environment.push_back("PATH=" + std::string(path));
  if (!library_path.empty()) result.environment.push_back("LD_LIBRARY_PATH=" + std::string(library_path));
  while (!path.empty() && result.path.empty()) {
    const std::string_view folder = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), folder.size() + 1));
    const std::string candidate = std::string(folder) + "/ffmpeg";
    struct stat status {};
    if (folder.starts_with('/') && ::stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0) {
      result.path = candidate;
    }
  }
  return result;
}

std::atomic<const Program*> program = nullptr;

/// A descriptor that closes.

/// A recording in memory as a file without a name, so that ffmpeg can seek in it.
Result<Descriptor> file_of(std::span<const std::uint8_t> bytes) {
  Descriptor file(::memfd_create("timbre-recording", MFD_CLOEXEC));
  const auto failed = [] {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 std::string("the recording could not be handed to ffmpeg (") + std::strerror(errno) + ")"};
  };
  if (file.get() < 0) return failed();
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed();
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return file;
}

std::vector<std::string> arguments(const std::string& demuxer) {
  // The file is named by its descriptor: a name would be open to change, and to ffmpeg's own ideas of names.
  return {"-nostdin",
          "-hide_banner",
          "-loglevel",
          "error",
          "-xerror",
          "-threads",
          "1",
          "-protocol_whitelist",
          "file,pipe",
          "-f",
          demuxer,
          "-i",
          "file:/dev/fd/0",
          "-map",
          "0:a:0",
          "-vn",
          "-sn",
          "-dn",
          "-map_metadata",
          "-1",
          "-filter_threads",
          "1",
          "-c:a",
          "pcm_f32be",
          "-f",
          "au",
          "pipe:1"};
}

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | static_cast<std::uint32_t>(bytes[3]);
}

/// Reads ffmpeg's output, an AU stream of 32-bit floats.
class FfmpegReader final : public Reader {
 public:
  FfmpegReader(const Input& input, const Container& container, ChildProcess child, std::chrono::seconds patience,
               const Interrupt& interrupt)
      : name_(input.name()),
        container_(container.name),
        child_(std::move(child)),
        patience_(patience),
        interrupt_(interrupt) {}

  Status open() {
    if (auto filled = fill(kAuHeader); !filled) return filled;
    if (bytes_.size() < kAuHeader) return verdict();
    const std::uint32_t offset = big_endian(bytes_.data() + 4);
    const std::uint32_t encoding = big_endian(bytes_.data() + 12);
    const std::uint32_t rate = big_endian(bytes_.data() + 16);
    const std::uint32_t channels = big_endian(bytes_.data() + 20);
    constexpr std::uint32_t kMost = 1U << 30;
    if (big_endian(bytes_.data()) != 0x2E736E64 || encoding != kAuFloat || offset < kAuHeader || offset > 4096 ||
        rate > kMost || channels > kMost) {
      return Error{ErrorCode::INTERNAL, "ffmpeg answered with something else than audio for " + name_};
    }
    if (auto filled = fill(offset); !filled) return filled;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<long>(std::min<std::size_t>(offset, bytes_.size())));
    info_ = {static_cast<int>(rate), static_cast<int>(channels), 0, "ffmpeg"};
    return ok();
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::size_t> read(std::span<float> interleaved) override {
    const auto channels = static_cast<std::size_t>(info_.channels);
    const std::size_t frame = sizeof(float) * channels;
    if (auto filled = fill(interleaved.size() / channels * frame); !filled) return filled.error();
    const std::size_t frames = std::min(bytes_.size() / frame, interleaved.size() / channels);
    if (frames == 0) {
      if (auto end = verdict(); !end) return end.error();
      return std::size_t{0};
    }
    for (std::size_t i = 0; i < frames * channels; ++i) {
      interleaved[i] = std::bit_cast<float>(big_endian(bytes_.data() + i * sizeof(float)));
    }
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<long>(frames * frame));
    return frames;
  }

 private:
  /// Reads until there are so many bytes, or no more.
  Status fill(std::size_t wanted) {
    while (bytes_.size() < wanted && !child_.ended()) {
      if (auto stop = interrupt_.check()) return *stop;
      if (Clock::now() - started_ > patience_) return too_slow();
      const std::size_t before = bytes_.size();
      bytes_.resize(wanted);
      const std::size_t got = child_.read(std::span(bytes_).subspan(before), kGlance);
      bytes_.resize(before + got);
    }
    return ok();
  }

  Error too_slow() const {
    return {ErrorCode::AUDIO_CORRUPT, "ffmpeg did not finish " + name_ + " within " +
                                          std::to_string(patience_.count()) + " s; convert it to WAV or FLAC"};
  }

  /// How it ended, once stdout is closed.
  Status verdict() {
    std::optional<ChildEnd> end;
    while (!(end = child_.wait(kGlance))) {
      if (auto stop = interrupt_.check()) return *stop;
      if (Clock::now() - started_ > patience_) return too_slow();
    }
    const std::string& said = child_.said();
    const auto says = [&](std::string_view words) { return said.find(words) != said.npos; };
    if (end->success() && !says("ended prematurely") && info_.channels > 0) return ok();
    if (end->kind == ChildEnd::Kind::kUnknown) {
      return Error{ErrorCode::INTERNAL, "whether ffmpeg read all of " + name_ +
                                            " is not known: this process ignores SIGCHLD, or takes the status of "
                                            "children that are not its own"};
    }
    if (says("matches no streams")) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, name_ + " (" + container_ + ") holds no audio track"};
    }
    if (says("Decoder (codec") || says("Unknown decoder") || says("Unknown input format")) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, name_ + " (" + container_ +
                                                     ") is in a format that this ffmpeg cannot decode; convert it to "
                                                     "WAV, FLAC, Ogg, MP3 or AIFF"};
    }
    return Error{ErrorCode::AUDIO_CORRUPT, name_ + " (" + container_ + ") is damaged: ffmpeg " + reason(*end)};
  }

  /// The last line that ffmpeg wrote, without addresses.
  std::string reason(const ChildEnd& end) const {
    std::string_view said = child_.said();
    while (!said.empty() && said.back() == '\n') said.remove_suffix(1);
    if (const auto line = said.rfind('\n'); line != said.npos) said.remove_prefix(line + 1);
    if (const auto module = said.find("] "); said.starts_with('[') && module != said.npos) {
      said.remove_prefix(module + 2);
    }
    for (const std::string_view own : {"file:/dev/fd/0: ", "/dev/fd/0: "}) {
      if (said.starts_with(own)) said.remove_prefix(own.size());
    }
    if (!said.empty()) return "says \"" + std::string(said) + "\"";
    if (end.kind == ChildEnd::Kind::kSignal) return "was ended by signal " + std::to_string(end.value);
    return "ended with status " + std::to_string(end.value);
  }

  const std::string name_;
  const std::string container_;
  ChildProcess child_;
  const std::chrono::seconds patience_;
  const Interrupt& interrupt_;
  const Clock::time_point started_ = Clock::now();
  std::vector<std::uint8_t> bytes_;
  StreamInfo info_;
};

}  // namespace

void look_for_ffmpeg(std::string_view path, std::string_view library_path) {
  static const Program found = find(path, library_path);
  program = &found;
}

const std::string& ffmpeg_program() {
  static const std::string none;
  const Program* const known = program;
  return known ? known->path : none;
}

Result<std::unique_ptr<Reader>> open_ffmpeg(const Input& input, const Container& container, const AudioLimits& limits,
                                            const Interrupt& interrupt) {
  if (ffmpeg_program().empty()) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED,
                 input.name() + " is a recording in " + container.name +
                     ", which needs ffmpeg, and there is none on the PATH; install ffmpeg (for example `apt-get "
                     "install ffmpeg`) and start again, or convert it to WAV, FLAC, Ogg, MP3 or AIFF"};
  }
  std::optional<Descriptor> copy;
  if (input.descriptor() < 0) {
    auto made = file_of(input.memory());
    if (!made) return std::move(made).error();
    copy.emplace(std::move(made).value());
  }
  const int descriptor = copy ? copy->get() : input.descriptor();
  const std::chrono::seconds patience(20 + static_cast<std::int64_t>(std::ceil(limits.max_seconds / 10)));
  const Program& ffmpeg = *program;
  auto child = ChildProcess::start(ffmpeg.path, arguments(container.demuxer), ffmpeg.environment, descriptor,
                                   {kMemory, static_cast<std::uint64_t>(patience.count())});
  if (!child) return std::move(child).error();
  auto reader = std::make_unique<FfmpegReader>(input, container, std::move(child).value(), patience, interrupt);
  if (auto opened = reader->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace timbre
