#include "audio/container.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace timbre {

namespace {

using namespace std::string_view_literals;

/// Bytes from the start of an input, zeros behind its end.
class Bytes {
 public:
  Bytes(const Input& input, std::uint64_t offset, std::size_t count) : bytes_(count) {
    size_ = input.read(offset, bytes_);
  }

  std::size_t size() const { return size_; }
  std::uint8_t operator[](std::size_t i) const { return bytes_[i]; }

  bool has(std::size_t at, std::string_view what) const {
    return at + what.size() <= size_ &&
           std::equal(what.begin(), what.end(), bytes_.begin() + static_cast<long>(at),
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
  }

  std::uint64_t number(std::size_t at, std::size_t length, bool big_endian) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < length; ++i) value = value << 8 | bytes_[at + (big_endian ? i : length - 1 - i)];
    return value;
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t size_ = 0;
};

/// ID3v2 tags stand before MP3, AAC and sometimes FLAC.
std::uint64_t behind_tags(const Input& input) {
  std::uint64_t offset = 0;
  for (int tags = 0; tags < 8; ++tags) {
    const Bytes tag(input, offset, 10);
    if (!tag.has(0, "ID3"sv) || tag.size() < 10) break;
    std::uint64_t size = 0;
    for (std::size_t i = 6; i < 10; ++i) size = size << 7 | (tag[i] & 0x7F);
    offset += 10 + size + ((tag[5] & 0x10) != 0 ? 10 : 0);
  }
  return offset;
}

/// A frame header of MPEG audio, layers I to III.
bool mpeg_audio(const Bytes& head) {
  return head.size() >= 4 && head[0] == 0xFF && (head[1] & 0xE0) == 0xE0 && (head[1] & 0x18) != 0x08 &&
         (head[1] & 0x06) != 0 && (head[2] & 0xF0) != 0xF0 && (head[2] & 0x0C) != 0x0C;
}

struct Magic {
  std::size_t at;
  std::string_view bytes;
  std::size_t and_at;
  std::string_view and_bytes;
  std::string_view name;
  Decoder decoder;
  std::string_view demuxer;
};

constexpr auto kMagic = std::to_array<Magic>({
    {0, "RIFF"sv, 8, "WAVE"sv, "WAV", Decoder::kSndfile, "wav"},
    {0, "RIFX"sv, 8, "WAVE"sv, "WAV", Decoder::kSndfile, ""},
    {0, "RF64"sv, 8, "WAVE"sv, "WAV", Decoder::kSndfile, "wav"},
    {0, "FORM"sv, 8, "AIFF"sv, "AIFF", Decoder::kSndfile, "aiff"},
    {0, "FORM"sv, 8, "AIFC"sv, "AIFF", Decoder::kSndfile, "aiff"},
    {0, "fLaC"sv, 0, ""sv, "FLAC", Decoder::kSndfile, ""},
    {0, "OggS"sv, 28, "Speex   "sv, "Ogg Speex", Decoder::kFfmpeg, "ogg"},
    {0, "OggS"sv, 0, ""sv, "Ogg", Decoder::kSndfile, "ogg"},
    {0, "caff"sv, 0, ""sv, "CAF", Decoder::kSndfile, "caf"},
    {0, ".snd"sv, 0, ""sv, "AU", Decoder::kSndfile, "au"},
    {4, "ftyp"sv, 0, ""sv, "MP4/M4A", Decoder::kFfmpeg, "mov"},
    {4, "moov"sv, 0, ""sv, "QuickTime", Decoder::kFfmpeg, "mov"},
    {0, "\x1A\x45\xDF\xA3"sv, 0, ""sv, "WebM/Matroska", Decoder::kFfmpeg, "matroska"},
    {0, "#!AMR"sv, 0, ""sv, "AMR", Decoder::kFfmpeg, "amr"},
    {0, "\x30\x26\xB2\x75\x8E\x66\xCF\x11"sv, 0, ""sv, "WMA/ASF", Decoder::kFfmpeg, "asf"},
    {0, "RIFF"sv, 8, "AVI "sv, "AVI", Decoder::kFfmpeg, "avi"},
    {0, "FLV\x01"sv, 0, ""sv, "FLV", Decoder::kFfmpeg, "flv"},
    {0, "wvpk"sv, 0, ""sv, "WavPack", Decoder::kFfmpeg, "wv"},
    {0, "TTA1"sv, 0, ""sv, "TTA", Decoder::kFfmpeg, "tta"},
    {0, "MAC "sv, 0, ""sv, "Monkey's Audio", Decoder::kFfmpeg, "ape"},
    {0, "\x0B\x77"sv, 0, ""sv, "AC-3", Decoder::kFfmpeg, "ac3"},
    {0, "\x00\x00\x01\xBA"sv, 0, ""sv, "MPEG-PS", Decoder::kFfmpeg, "mpeg"},
    {0, "\x47"sv, 188, "\x47"sv, "MPEG-TS", Decoder::kFfmpeg, "mpegts"},
});

std::string ends_early(std::uint64_t declared, std::uint64_t there) {
  return "is truncated: its header declares " + std::to_string(declared) + " bytes of audio, " + std::to_string(there) +
         " are there";
}

/// Looks for the audio chunk of a RIFF or IFF file.
std::optional<std::string> chunk_truncation(const Input& input, std::string_view audio_chunk, bool big_endian,
                                            std::optional<std::uint64_t> length64) {
  /// Writers that do not know the length yet put numbers from here on.
  constexpr std::uint64_t kUnknown = 0x7FFF0000;
  constexpr int kMostChunks = 4096;
  std::uint64_t offset = 12;
  for (int i = 0; i < kMostChunks; ++i) {
    const Bytes chunk(input, offset, 8);
    if (chunk.size() < 8) return std::nullopt;
    const std::uint64_t size = chunk.number(4, 4, big_endian);
    offset += 8;
    if (chunk.has(0, audio_chunk)) {
      const std::uint64_t declared = length64 && size == 0xFFFFFFFF ? *length64 : size;
      const std::uint64_t there = input.size() - std::min(offset, input.size());
      // One byte less is a missing pad byte.
      if (declared <= there + 1 || (!length64 && declared >= kUnknown)) return std::nullopt;
      return ends_early(declared, there);
    }
    offset += size + (size & 1);
  }
  return std::nullopt;
}

/// Whether the last page ends inside the file. A cut between two pages is seen by no header: so end live streams.
std::optional<std::string> ogg_truncation(const Input& input) {
  constexpr std::uint64_t kLongestPage = 27 + 255 + 255 * 255;
  const std::uint64_t start = input.size() - std::min(input.size(), kLongestPage);
  const Bytes tail(input, start, static_cast<std::size_t>(input.size() - start));
  for (std::size_t at = tail.size(); at-- > 0;) {
    if (!tail.has(at, "OggS\0"sv)) continue;
    const std::size_t left = tail.size() - at;
    std::size_t length = 27;
    if (left >= length) {
      const std::size_t segments = tail[at + 26];
      length += segments;
      for (std::size_t i = 0; i < segments && at + 27 + i < tail.size(); ++i) length += tail[at + 27 + i];
    }
    if (length <= left) return std::nullopt;
    return "is truncated: its last page is incomplete";
  }
  return std::nullopt;
}

}  // namespace

Container container_of(const Input& input) {
  const std::uint64_t start = behind_tags(input);
  const Bytes head(input, start, 189);
  for (const Magic& magic : kMagic) {
    if (head.has(magic.at, magic.bytes) && head.has(magic.and_at, magic.and_bytes)) {
      return {std::string(magic.name), magic.decoder, start, std::string(magic.demuxer)};
    }
  }
  if (head.size() >= 4 && head[0] == 0xFF && (head[1] & 0xF6) == 0xF0) return {"AAC", Decoder::kFfmpeg, start, "aac"};
  if (mpeg_audio(head)) return {"MP3", Decoder::kMpg123, start, ""};
  return {};
}

std::optional<std::string> truncation(const Input& input, const Container& container) {
  const Bytes head(input, 0, 36);
  if (container.name == "WAV") {
    const bool big_endian = head.has(0, "RIFX"sv);
    std::optional<std::uint64_t> length64;
    if (head.has(0, "RF64"sv) && head.has(12, "ds64"sv)) length64 = head.number(28, 8, false);
    return chunk_truncation(input, "data"sv, big_endian, length64);
  }
  if (container.name == "AIFF") return chunk_truncation(input, "SSND"sv, true, std::nullopt);
  if (container.name == "Ogg") return ogg_truncation(input);
  return std::nullopt;
}

}  // namespace timbre
