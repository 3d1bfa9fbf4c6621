#include "audio/amr_reader.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "audio/bytes.h"
#include "audio/ffmpeg_reader.h"

namespace timbre {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kNarrow = "#!AMR\n"sv;
constexpr std::string_view kWide = "#!AMR-WB\n"sv;

/// Bytes of a frame behind its first, by type; -1: no such type.
constexpr std::array<int, 16> kNarrowSizes = {12, 13, 15, 17, 19, 20, 26, 31, 5, -1, -1, -1, -1, -1, -1, 0};
constexpr std::array<int, 16> kWideSizes = {17, 23, 32, 36, 40, 46, 50, 58, 60, 5, -1, -1, -1, -1, 0, 0};

/// Frames of one kind, one behind the other.
struct Run {
  bool speech = false;
  std::uint64_t frames = 0;
};

struct Frames {
  std::vector<Run> runs;
  std::vector<Piece> speech;
  Completeness completeness;
};

Frames frames_of(const Input& input, std::uint64_t start, bool wide, std::uint64_t most) {
  constexpr std::size_t kBlock = 1 << 16;
  const auto& sizes = wide ? kWideSizes : kNarrowSizes;
  const unsigned speech_types = wide ? 9 : 8;
  Frames frames;
  std::uint64_t broken = 0;
  std::uint64_t count = 0;
  std::uint64_t at = start;
  // Beyond `most` frames it is too long, and nobody needs to know by how much.
  while (at < input.size() && count <= most) {
    const Stretch block(input, at, kBlock);
    if (block.size() == 0) break;
    std::size_t within = 0;
    // Whole frames only, unless the input ends here.
    const bool last = at + block.size() >= input.size();
    while (within < block.size()) {
      const unsigned type = block[within] >> 3 & 15;
      // The padding bits are zero.
      const int size = (block[within] & 0x83) == 0 ? sizes[type] : -1;
      if (size < 0) {
        // A stray byte at the end is none of a frame's.
        if (at + within + 1 < input.size()) ++broken;
        ++within;
        continue;
      }
      const std::uint64_t length = 1 + static_cast<std::uint64_t>(size);
      if (within + length > block.size()) break;
      const bool speech = type < speech_types;
      if (frames.runs.empty() || frames.runs.back().speech != speech) frames.runs.push_back({speech, 0});
      ++frames.runs.back().frames;
      ++count;
      if (speech) {
        const std::uint64_t offset = at + within;
        Piece* const piece = frames.speech.empty() ? nullptr : &frames.speech.back();
        if (piece && piece->offset + piece->size == offset) {
          piece->size += length;
        } else {
          frames.speech.push_back(Piece::stretch(offset, length));
        }
      }
      within += static_cast<std::size_t>(length);
    }
    at += within;
    if (last) {
      // One byte could begin a frame by chance, and zeros are padding.
      const auto& left = block.bytes();
      const bool padding =
          std::all_of(left.begin() + static_cast<long>(within), left.begin() + static_cast<long>(block.size()),
                      [](std::uint8_t byte) { return byte == 0; });
      if (within + 1 < block.size() && !padding) {
        frames.completeness.add({Shortfall::kTruncated, 0.02, "is truncated: its last frame is incomplete"});
      }
      break;
    }
  }
  if (broken > 0) {
    frames.completeness.add(
        {Shortfall::kDamaged, std::nullopt, "is damaged: " + std::to_string(broken) + " bytes in it are no frames"});
  }
  return frames;
}

class AmrReader final : public Reader {
 public:
  AmrReader(const Input& input, Frames frames, bool wide)
      : runs_(std::move(frames.runs)), completeness_(std::move(frames.completeness)), frame_(wide ? 320 : 160) {
    std::vector<Piece> pieces = std::move(frames.speech);
    const std::string_view magic = wide ? kWide : kNarrow;
    pieces.insert(pieces.begin(), Piece::of(HeaderWriter().text(magic).take()));
    has_speech_ = pieces.size() > 1;
    speech_ = std::make_unique<Input>(Input::composed(input, std::move(pieces)));
    info_ = {wide ? 16000 : 8000, 1, 0, wide ? "AMR/AMR_WB" : "AMR/AMR_NB"};
    for (const Run& run : runs_) info_.frames += run.frames * frame_;
  }

  Status open(double max_seconds, const Interrupt& interrupt, const FfmpegHost& ffmpeg) {
    if (!has_speech_) return ok();
    auto reader = open_ffmpeg(*speech_, {"amr", "AMR", std::nullopt}, max_seconds, interrupt, ffmpeg);
    if (!reader) return std::move(reader).error();
    reader_ = std::move(reader).value();
    return ok();
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::size_t> read(std::span<float> samples) override {
    while (run_ < runs_.size()) {
      const Run& run = runs_[run_];
      const std::uint64_t left = run.frames * frame_ - done_;
      if (left == 0) {
        ++run_;
        done_ = 0;
        continue;
      }
      const auto room = samples.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, samples.size())));
      if (!run.speech) {
        std::fill(room.begin(), room.end(), 0.0F);
        done_ += room.size();
        return room.size();
      }
      auto got = reader_->read(room);
      if (!got) return got;
      done_ += got.value();
      if (got.value() > 0) return got;
      // The decoder refused some frames: they are told as missing at the end.
      short_ += left;
      ++run_;
      done_ = 0;
    }
    return std::size_t{0};
  }

  Completeness completeness() const override {
    Completeness result = completeness_;
    if (short_ > 0) {
      result.add({Shortfall::kDamaged, static_cast<double>(short_) / info_.sample_rate,
                  "is damaged: some of its frames cannot be decoded"});
    }
    return result;
  }

 private:
  const std::vector<Run> runs_;
  const Completeness completeness_;
  const std::uint64_t frame_;  ///< samples of one
  bool has_speech_ = false;
  std::unique_ptr<Input> speech_;
  std::unique_ptr<Reader> reader_;
  StreamInfo info_;
  std::size_t run_ = 0;
  std::uint64_t done_ = 0;   ///< samples of this run
  std::uint64_t short_ = 0;  ///< samples of speech that did not come
};

}  // namespace

Result<std::unique_ptr<Reader>> open_amr(const Input& input, double max_seconds, const Interrupt& interrupt,
                                         const FfmpegHost& ffmpeg) {
  const Stretch head(input, 0, kWide.size());
  const bool wide = head.has(0, kWide);
  constexpr double kFramesPerSecond = 50;
  const auto most = static_cast<std::uint64_t>(max_seconds * kFramesPerSecond) + 1;
  Frames frames = frames_of(input, wide ? kWide.size() : kNarrow.size(), wide, most);
  if (frames.runs.empty()) {
    return Error{ErrorCode::AUDIO_CORRUPT, input.name() + " (AMR) holds no audio (0 samples)"};
  }
  auto reader = std::make_unique<AmrReader>(input, std::move(frames), wide);
  if (auto opened = reader->open(max_seconds, interrupt, ffmpeg); !opened) return std::move(opened).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace timbre
