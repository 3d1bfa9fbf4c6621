#include "audio/mpeg_frames.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "audio/bytes.h"
#include "support/text.h"

namespace timbre {

namespace {

using namespace std::string_view_literals;

struct Frame {
  std::uint64_t length = 0;  ///< bytes, header included; 0: free format
  int samples = 0;
  int sample_rate = 0;
  unsigned kind = 0;  ///< equal for frames that can follow each other
};

/// ISO/IEC 11172-3, 13818-3 and the unofficial MPEG 2.5.
std::optional<Frame> mpeg_audio(Scanner& bytes, std::uint64_t at) {
  // kbit/s, by version 1 or 2, layer and index.
  static constexpr std::array<std::array<int, 15>, 5> kBitRates = {{
      {0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448},
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
      {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
      {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
      {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
  }};
  static constexpr std::array<int, 3> kRates = {44100, 48000, 32000};
  const unsigned b1 = bytes[at + 1];
  const unsigned b2 = bytes[at + 2];
  if (bytes[at] != 0xFF || (b1 & 0xE0) != 0xE0) return std::nullopt;
  const unsigned version = b1 >> 3 & 3;  // 0: 2.5, 2: 2, 3: 1
  const unsigned layer = 4 - (b1 >> 1 & 3);
  const unsigned rate = b2 >> 2 & 3;
  if (version == 1 || layer == 4 || rate == 3 || b2 >> 4 == 15) return std::nullopt;
  const bool first = version == 3;
  const std::size_t table = first ? layer - 1 : layer == 1 ? 3 : 4;
  const int bit_rate = 1000 * kBitRates[table][b2 >> 4];
  const unsigned padding = b2 >> 1 & 1;
  const bool mono = bytes[at + 3] >> 6 == 3;
  Frame frame;
  frame.sample_rate = kRates[rate] / (first ? 1 : version == 2 ? 2 : 4);
  frame.samples = layer == 1 ? 384 : layer == 3 && !first ? 576 : 1152;
  frame.kind = version << 8 | layer << 4 | rate << 2 | (mono ? 1 : 0);
  if (bit_rate > 0) {
    const auto slots = static_cast<std::uint64_t>(frame.samples / 8 * bit_rate / frame.sample_rate);
    frame.length = layer == 1 ? (slots / 4 + padding) * 4 : slots + padding;
  }
  return frame;
}

std::optional<Frame> adts(Scanner& bytes, std::uint64_t at) {
  static constexpr std::array<int, 13> kRates = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                                 22050, 16000, 12000, 11025, 8000,  7350};
  const unsigned b1 = bytes[at + 1];
  const unsigned b2 = bytes[at + 2];
  const unsigned rate = b2 >> 2 & 15;
  if (bytes[at] != 0xFF || (b1 & 0xF6) != 0xF0 || rate >= kRates.size()) return std::nullopt;
  Frame frame;
  frame.length = (bytes[at + 3] & 3U) << 11 | bytes[at + 4] << 3U | bytes[at + 5] >> 5U;
  frame.samples = 1024 * (1 + (bytes[at + 6] & 3));
  frame.sample_rate = kRates[rate];
  frame.kind = rate;
  if (frame.length < 7) return std::nullopt;
  return frame;
}

std::optional<Frame> loas(Scanner& bytes, std::uint64_t at) {
  if (bytes[at] != 0x56 || (bytes[at + 1] & 0xE0) != 0xE0) return std::nullopt;
  Frame frame;
  frame.length = 3 + ((bytes[at + 1] & 0x1FU) << 8 | bytes[at + 2]);
  if (frame.length < 6) return std::nullopt;
  return frame;
}

std::optional<Frame> ac3(Scanner& bytes, std::uint64_t at, bool enhanced) {
  static constexpr std::array<int, 19> kBitRates = {32,  40,  48,  56,  64,  80,  96,  112, 128, 160,
                                                    192, 224, 256, 320, 384, 448, 512, 576, 640};
  static constexpr std::array<int, 3> kRates = {48000, 44100, 32000};
  if (bytes[at] != 0x0B || bytes[at + 1] != 0x77) return std::nullopt;
  const unsigned bsid = bytes[at + 5] >> 3;
  if (bsid > 16 || (bsid > 10) != enhanced) return std::nullopt;
  const unsigned rate = bytes[at + 4] >> 6;
  Frame frame;
  frame.samples = 1536;
  if (enhanced) {
    frame.length = 2 * (1 + ((bytes[at + 2] & 7U) << 8 | bytes[at + 3]));
    frame.sample_rate = rate < 3 ? kRates[rate] : 24000;
    return frame;
  }
  const unsigned code = bytes[at + 4] & 0x3F;
  if (rate == 3 || code / 2 >= kBitRates.size()) return std::nullopt;
  const int bit_rate = kBitRates[code / 2];
  const int words = rate == 0   ? 2 * bit_rate
                    : rate == 1 ? bit_rate * 320 / 147 + static_cast<int>(code & 1)
                                : 3 * bit_rate;
  frame.length = 2 * static_cast<std::uint64_t>(words);
  frame.sample_rate = kRates[rate];
  frame.kind = rate;
  return frame;
}

std::optional<Frame> frame_at(Scanner& bytes, std::uint64_t at, FrameSync sync) {
  if (at + 4 > bytes.size()) return std::nullopt;
  switch (sync) {
    case FrameSync::kMpegAudio:
      return mpeg_audio(bytes, at);
    case FrameSync::kAdts:
      return adts(bytes, at);
    case FrameSync::kLoas:
      return loas(bytes, at);
    case FrameSync::kAc3:
      return ac3(bytes, at, false);
    case FrameSync::kEac3:
      return ac3(bytes, at, true);
  }
  return std::nullopt;
}

/// The distance of two equal headers is the length of a free-format frame; 0 where there is none.
std::uint64_t free_format_length(Scanner& bytes, std::uint64_t at, unsigned kind) {
  constexpr std::uint64_t kLongest = 8192;
  const auto same = [&](std::uint64_t place) {
    const auto frame = frame_at(bytes, place, FrameSync::kMpegAudio);
    return frame && frame->length == 0 && frame->kind == kind;
  };
  for (std::uint64_t length = 32; length < kLongest && at + 2 * length < bytes.size(); ++length) {
    if (same(at + length) && (same(at + 2 * length) || same(at + 2 * length + 1))) return length;
  }
  return 0;
}

bool chain(Scanner& bytes, std::uint64_t at, FrameSync sync, int least) {
  // Nobody writes layer I, and quiet samples look like it.
  constexpr unsigned kLayerOne = 1;
  const bool strict = least > 3;
  std::optional<unsigned> kind;
  for (int frames = 0; frames < least; ++frames) {
    const auto frame = frame_at(bytes, at, sync);
    // The last frame may be followed by a tag or be cut.
    if (!frame) {
      const bool ended = at >= bytes.size() || (!strict && bytes.size() - at < 4);
      return ended && frames >= (strict ? 3 : 1);
    }
    if (kind && frame->kind != *kind) return false;
    if (sync == FrameSync::kMpegAudio && (frame->kind >> 4 & 15U) == kLayerOne) return false;
    // A pattern of samples that repeats itself.
    if (const auto next = frame_at(bytes, at + 4, sync); next && next->kind == frame->kind) return false;
    kind = frame->kind;
    // Looked for at the beginning only: it takes time.
    if (frame->length == 0) return frames == 0 && !strict && free_format_length(bytes, at, frame->kind) > 0;
    at += frame->length;
    if (at > bytes.size()) return !strict;
  }
  return true;
}

/// Bytes of a tag at `at`; 0 where there is none.
std::uint64_t tag_at(Scanner& bytes, std::uint64_t at) {
  const std::uint64_t left = bytes.size() - at;
  if (bytes.has(at, "TAG"sv) && left <= 128 + 227) return left;
  if (bytes.has(at, "LYRICSBEGIN"sv)) return left;
  if (bytes.has(at, "APETAGEX"sv)) return std::min(left, 32 + bytes.number(at + 12, 4, Order::kLittle));
  if (bytes.has(at, "ID3"sv) && left > 10) {
    std::uint64_t size = 0;
    for (std::uint64_t i = 6; i < 10; ++i) size = size << 7 | (bytes[at + i] & 0x7F);
    return std::min(left, 10 + size);
  }
  return 0;
}

bool zeros(Scanner& bytes, std::uint64_t at) {
  while (at < bytes.size() && bytes[at] == 0) ++at;
  return at >= bytes.size();
}

/// Reads what the first frame says about the others, if it does.
void read_info_frame(Scanner& bytes, FrameRun& run, std::uint64_t length) {
  constexpr std::uint64_t kReach = 64;
  for (std::uint64_t at = run.begin + 4; at < run.begin + std::min(kReach, length); ++at) {
    const bool xing = bytes.has(at, "Xing"sv) || bytes.has(at, "Info"sv);
    if (!xing && !bytes.has(at, "VBRI"sv)) continue;
    run.audio_begin = run.begin + length;
    if (!xing) {
      run.declared_frames = bytes.number(at + 14, 4, Order::kBig);
    } else if ((bytes.number(at + 4, 4, Order::kBig) & 1) != 0) {
      run.declared_frames = bytes.number(at + 8, 4, Order::kBig);
    }
    return;
  }
}

Completeness lost(std::uint64_t count) {
  return {Shortfall::kDamaged, std::nullopt,
          "is damaged: " + std::to_string(count) + " bytes between its frames are no audio"};
}

Completeness incomplete_frame(const Frame& frame) {
  Completeness result{Shortfall::kTruncated, std::nullopt, "is truncated: its last frame is incomplete"};
  if (frame.sample_rate > 0) result.missing_seconds = static_cast<double>(frame.samples) / frame.sample_rate;
  return result;
}

}  // namespace

bool may_be_frame(std::uint8_t first, std::uint8_t second) {
  return (first == 0xFF && (second & 0xE0) == 0xE0) || (first == 0x56 && (second & 0xE0) == 0xE0) ||
         (first == 0x0B && second == 0x77);
}

bool begins_with_frames(Scanner& bytes, std::uint64_t offset, FrameSync sync, int least) {
  return offset + 2 <= bytes.size() && may_be_frame(bytes[offset], bytes[offset + 1]) &&
         chain(bytes, offset, sync, least);
}

FrameRun frame_run(const Input& input, std::uint64_t offset, FrameSync sync) {
  Scanner bytes(input);
  FrameRun run;
  run.begin = run.end = run.audio_begin = offset;
  std::optional<unsigned> kind;
  std::uint64_t skipped = 0;  // since the last frame
  std::uint64_t broken = 0;   // between frames
  for (std::uint64_t at = offset; at < bytes.size();) {
    if (const std::uint64_t tag = tag_at(bytes, at)) {
      at += tag;
      continue;
    }
    auto frame = frame_at(bytes, at, sync);
    if (frame && frame->length == 0) {
      if (!kind) {
        // Free format: the decoder finds the frames by itself.
        run.end = bytes.size();
        return run;
      }
      frame.reset();
    }
    const bool follows = frame && (!kind || frame->kind == *kind);
    if (!frame || (!follows && !chain(bytes, at, sync, 3)) || (skipped > 0 && !chain(bytes, at, sync, 2))) {
      ++skipped;
      ++at;
      continue;
    }
    if (!follows) {
      run.next = at;
      break;
    }
    if (!kind) {
      kind = frame->kind;
      run.samples_per_frame = frame->samples;
      run.sample_rate = frame->sample_rate;
      if (sync == FrameSync::kMpegAudio) read_info_frame(bytes, run, frame->length);
    }
    broken += skipped;
    skipped = 0;
    if (at + frame->length > bytes.size()) {
      run.completeness.add(incomplete_frame(*frame));
      break;
    }
    if (at >= run.audio_begin) ++run.frames;
    at += frame->length;
    run.end = at;
  }
  if (broken > 0) run.completeness.add(lost(broken));
  // One frame less is the first frame that counted itself.
  if (run.declared_frames > run.frames + 1) {
    const auto missing = static_cast<double>(run.declared_frames - run.frames);
    run.completeness = {Shortfall::kTruncated, missing * run.samples_per_frame / std::max(run.sample_rate, 1),
                        "is truncated: it declares " + std::to_string(run.declared_frames) + " frames, " +
                            std::to_string(run.frames) + " are there"};
  } else if (run.declared_frames == 0 && run.next == 0 && skipped > 0 && run.end > run.begin &&
             !zeros(bytes, run.end)) {
    run.completeness.add(
        {Shortfall::kDamaged, std::nullopt, "is damaged: its last " + std::to_string(skipped) + " bytes are no audio"});
  }
  return run;
}

}  // namespace timbre
