// RIFF, RIFX, RF64 (EBU Tech 3306), BW64 (ITU-R BS.2088) and Sony's Wave64: chunks around one WAVEFORMATEX.
#include <algorithm>
#include <array>
#include <string_view>

#include "audio/bytes.h"
#include "audio/layout.h"
#include "audio/mpeg_frames.h"
#include "audio/padded_pcm.h"

namespace timbre::layouts {

namespace {

using namespace std::string_view_literals;

/// Writers that do not know a length yet put numbers from here on.
constexpr std::uint64_t kUnknown = 0x7FFF0000;
constexpr int kMostChunks = 65536;

constexpr unsigned kPcm = 1;
constexpr unsigned kFloat = 3;

struct Codec {
  unsigned tag;
  Decoder decoder;
};

/// What is read beside PCM; Microsoft's mmreg.h has the numbers.
constexpr auto kCodecs = std::to_array<Codec>({
    {0x0002, Decoder::kSndfile},  // MS ADPCM
    {0x0006, Decoder::kSndfile},  // A-law
    {0x0007, Decoder::kSndfile},  // mu-law
    {0x0011, Decoder::kSndfile},  // IMA ADPCM
    {0x0031, Decoder::kSndfile},  // GSM 06.10
    {0x0040, Decoder::kSndfile},  // G.721
    {0x0050, Decoder::kMpg123},   // MPEG audio, layers I and II
    {0x0055, Decoder::kMpg123},   // MP3
    {0x0014, Decoder::kFfmpeg},   // G.723 ADPCM
    {0x0022, Decoder::kFfmpeg},   // TrueSpeech
    {0x0042, Decoder::kFfmpeg},   // G.723.1
    {0x0045, Decoder::kFfmpeg},   // G.726
    {0x0064, Decoder::kFfmpeg},   // G.726
    {0x0065, Decoder::kFfmpeg},   // G.722
    {0x0083, Decoder::kFfmpeg},   // G.729
    {0x0111, Decoder::kFfmpeg},   // G.723.1
    {0x0160, Decoder::kFfmpeg},   // WMA 1
    {0x0161, Decoder::kFfmpeg},   // WMA 2
    {0x0162, Decoder::kFfmpeg},   // WMA Pro
    {0x0163, Decoder::kFfmpeg},   // WMA Lossless
    {0x028F, Decoder::kFfmpeg},   // G.722
    {0x2000, Decoder::kFfmpeg},   // AC-3
});

struct Format {
  unsigned tag = 0;
  unsigned channels = 0;
  std::uint64_t rate = 0;
  std::uint64_t bytes_per_second = 0;
  unsigned block = 0;
  unsigned bits = 0;
  unsigned valid_bits = 0;
  std::vector<std::uint8_t> raw;
};

/// The chunks that matter.
struct Chunks {
  std::optional<Format> format;
  std::vector<std::uint8_t> fact;
  std::vector<Piece> data;
  std::uint64_t bytes = 0;                ///< of data that are there
  std::optional<std::uint64_t> declared;  ///< of data, where it is more
  std::uint64_t end = 0;
};

Format read_format(const Input& input, std::uint64_t offset, std::uint64_t size, Order order) {
  constexpr std::uint64_t kMost = 4096;
  const Stretch chunk(input, offset, static_cast<std::size_t>(std::min(size, kMost)));
  Format format;
  const auto field = [&](std::size_t at, std::size_t length) { return chunk.number(at, length, order); };
  format.tag = static_cast<unsigned>(field(0, 2));
  format.channels = static_cast<unsigned>(field(2, 2));
  format.rate = field(4, 4);
  format.bytes_per_second = field(8, 4);
  format.block = static_cast<unsigned>(field(12, 2));
  format.bits = static_cast<unsigned>(field(14, 2));
  format.valid_bits = format.bits;
  format.raw = chunk.bytes();
  if (format.tag == 0xFFFE && chunk.size() >= 26) {
    format.tag = static_cast<unsigned>(field(24, 2));
    const auto valid = static_cast<unsigned>(field(18, 2));
    if (valid > 0 && valid < format.bits) format.valid_bits = valid;
  }
  return format;
}

bool printable(const Stretch& chunk) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (chunk[i] < 0x20 || chunk[i] > 0x7E) return false;
  }
  return chunk.size() == 8;
}

/// `riff` is the size that the outermost header declares, `length64` that of the audio where 32 bits are too few.
void add_data(Chunks& chunks, const Input& input, std::uint64_t offset, std::uint64_t declared, bool unknown,
              bool whole) {
  const std::uint64_t there = input.size() - std::min(offset, input.size());
  const std::uint64_t taken = unknown ? there : std::min(declared, there);
  // One byte less is a missing pad byte; a data chunk that is longer than a file that is whole is a writer's mistake.
  if (!unknown && !whole && declared > there + 1) chunks.declared = chunks.bytes + declared;
  if (taken > 0) chunks.data.push_back(Piece::stretch(offset, taken));
  chunks.bytes += taken;
  chunks.end = offset + taken;
}

Chunks riff_chunks(const Input& input, Order order) {
  const Stretch head(input, 0, 12);
  const std::uint64_t riff = head.number(4, 4, order);
  Chunks chunks;
  std::optional<std::uint64_t> riff64;
  std::optional<std::uint64_t> data64;
  std::uint64_t offset = 12;
  for (int i = 0; i < kMostChunks; ++i) {
    const Stretch chunk(input, offset, 8);
    if (chunk.size() < 8) break;
    // Another file follows.
    if (chunk.has(0, "RIFF"sv) || chunk.has(0, "RF64"sv) || chunk.has(0, "BW64"sv) || chunk.has(0, "RIFX"sv)) break;
    const std::uint64_t size = chunk.number(4, 4, order);
    const std::uint64_t body = offset + 8;
    // Writers forget the pad byte, or append tags and zeros.
    if (!chunks.data.empty() && !printable(chunk)) break;
    if (chunk.has(0, "ds64"sv)) {
      const Stretch sizes(input, body, 24);
      riff64 = sizes.number(0, 8, order);
      data64 = sizes.number(8, 8, order);
    } else if (chunk.has(0, "fmt "sv)) {
      if (!chunks.format) chunks.format = read_format(input, body, size, order);
    } else if (chunk.has(0, "fact"sv)) {
      chunks.fact = Stretch(input, body, static_cast<std::size_t>(std::min<std::uint64_t>(size, 4))).bytes();
    } else if (chunk.has(0, "data"sv)) {
      const bool by64 = size == 0xFFFFFFFF && data64.value_or(0) > 0;
      const std::uint64_t declared = by64 ? *data64 : size;
      const std::uint64_t there = input.size() - std::min(body, input.size());
      const Stretch next(input, body, 8);
      const bool empty = size == 0 && (there == 0 || (printable(next) && next.number(4, 4, order) + 8 <= there));
      const bool unknown = !by64 && !empty && (size == 0 || (size >= kUnknown && size > there));
      const std::uint64_t outer = riff == 0xFFFFFFFF && riff64 ? *riff64 : riff;
      const bool whole = outer > 0 && outer + 8 <= input.size() + 1;
      add_data(chunks, input, body, declared, unknown, whole);
      if (unknown || declared >= there) break;
      offset = body + declared + (declared & 1);
      continue;
    }
    offset = body + size + (size & 1);
  }
  // What stands behind a padded end is found all the same.
  chunks.end = std::max(chunks.end, std::min(offset, input.size()));
  return chunks;
}

constexpr std::string_view kGuid = "\xF3\xAC\xD3\x11\x8C\xD1\x00\xC0\x4F\x8E\xDB\x8A"sv;

Chunks w64_chunks(const Input& input) {
  Chunks chunks;
  std::uint64_t offset = 40;
  for (int i = 0; i < kMostChunks; ++i) {
    const Stretch chunk(input, offset, 24);
    if (chunk.size() < 24 || !chunk.has(4, kGuid)) break;
    const std::uint64_t size = chunk.number(16, 8, Order::kLittle);
    const std::uint64_t body = offset + 24;
    if (chunk.has(0, "data"sv)) {
      const bool unknown = size < 24 || size >= 1ULL << 62;
      add_data(chunks, input, body, unknown ? 0 : size - 24, unknown, false);
      if (unknown || size - 24 >= input.size() - body) break;
    } else if (size < 24 || size > input.size()) {
      break;
    } else if (chunk.has(0, "fmt "sv) && !chunks.format) {
      chunks.format = read_format(input, body, size - 24, Order::kLittle);
    } else if (chunk.has(0, "fact"sv)) {
      chunks.fact = Stretch(input, body, 4).bytes();
    }
    offset += (size + 7) / 8 * 8;
  }
  chunks.end = std::max(chunks.end, std::min(offset, input.size()));
  return chunks;
}

/// A header as short as can be, and the audio behind it.
std::vector<Piece> rebuilt(const Chunks& chunks, const std::vector<std::uint8_t>& format, Order order) {
  const bool wide = chunks.bytes > 0xFFFFFF00;
  HeaderWriter head(order);
  const std::uint64_t fact = chunks.fact.size() == 4 ? 12 : 0;
  const std::uint64_t riff = 4 + 8 + format.size() + (format.size() & 1) + fact + 8 + chunks.bytes + (wide ? 36 : 0);
  head.text(wide ? "RF64" : order == Order::kBig ? "RIFX" : "RIFF").number(wide ? 0xFFFFFFFF : riff, 4).text("WAVE");
  if (wide) head.text("ds64").number(28, 4).number(riff, 8).number(chunks.bytes, 8).number(0, 12);
  head.text("fmt ").number(format.size(), 4).raw(format);
  if ((format.size() & 1) != 0) head.number(0, 1);
  if (fact > 0) head.text("fact").number(4, 4).raw(chunks.fact);
  head.text("data").number(wide ? 0xFFFFFFFF : chunks.bytes, 4);
  std::vector<Piece> pieces;
  pieces.push_back(Piece::of(head.take()));
  pieces.insert(pieces.end(), chunks.data.begin(), chunks.data.end());
  return pieces;
}

std::string hexadecimal(unsigned tag) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text = "0x";
  for (int shift = 12; shift >= 0; shift -= 4) text += kDigits[tag >> static_cast<unsigned>(shift) & 15U];
  return text;
}

/// PCM and float, whose header is written anew from what their sizes say.
Status lay_out_pcm(Layout& layout, const Format& format, const Chunks& chunks, const Input& input, Order order) {
  const unsigned channels = format.channels;
  const unsigned least = std::max(1U, (format.bits + 7) / 8);
  unsigned bytes = format.block % channels == 0 ? format.block / channels : 0;
  if (bytes < least || format.bits == 0) bytes = std::max(bytes, least);
  const bool integers = format.tag == kPcm;
  if (integers ? bytes > 4 : bytes != 4 && bytes != 8) {
    // Floats of 16 bits, integers of 64.
    layout.decoder = Decoder::kFfmpeg;
    return ok();
  }
  if (integers && bytes > 1 && 8 * bytes > format.valid_bits && format.valid_bits > 0) {
    const PaddedPcm padded{static_cast<int>(channels), static_cast<int>(std::min<std::uint64_t>(format.rate, 1U << 30)),
                           static_cast<int>(bytes), static_cast<int>(format.valid_bits), order == Order::kBig};
    if (at_lower_end(Input::composed(input, chunks.data), padded)) {
      layout.decoder = Decoder::kPaddedPcm;
      layout.padded = padded;
      layout.pieces = chunks.data;
      return ok();
    }
  }
  HeaderWriter plain(order);
  plain.number(format.tag, 2).number(channels, 2).number(format.rate, 4);
  plain.number(format.rate * channels * bytes, 4).number(static_cast<std::uint64_t>(channels) * bytes, 2);
  plain.number(8ULL * bytes, 2);
  layout.decoder = Decoder::kSndfile;
  layout.pieces = rebuilt(chunks, plain.take(), order);
  return ok();
}

Result<Layout> laid_out(const Input& input, const Container& container, const Chunks& chunks, Order order) {
  if (!chunks.format || chunks.format->raw.size() < 14) {
    return Error{ErrorCode::AUDIO_CORRUPT,
                 input.name() + " is damaged: it begins like " + container.name + " and has no format in it"};
  }
  const Format& format = *chunks.format;
  if (chunks.data.empty()) {
    return Error{ErrorCode::AUDIO_CORRUPT, input.name() + " (" + container.name + ") holds no audio (0 samples)"};
  }
  if (format.channels == 0 || format.rate == 0) {
    return Error{ErrorCode::AUDIO_CORRUPT, input.name() + " (" + container.name + ") is damaged: it declares " +
                                               std::to_string(format.channels) + " channels at " +
                                               std::to_string(format.rate) + " Hz"};
  }
  Layout layout;
  layout.end = chunks.end;
  layout.demuxer = container.demuxer;
  double bytes_per_second = static_cast<double>(format.bytes_per_second);
  if (format.tag == kPcm || format.tag == kFloat) {
    bytes_per_second = static_cast<double>(format.rate) * format.block;
    if (auto status = lay_out_pcm(layout, format, chunks, input, order); !status) return status.error();
  } else {
    const auto codec =
        std::find_if(kCodecs.begin(), kCodecs.end(), [&](const Codec& c) { return c.tag == format.tag; });
    if (codec == kCodecs.end()) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, input.name() + " is " + container.name + " with the codec " +
                                                     hexadecimal(format.tag) +
                                                     ", which is not read here; convert it to PCM or FLAC"};
    }
    layout.decoder = codec->decoder;
    if (codec->decoder == Decoder::kMpg123) {
      layout.pieces = chunks.data;
      layout.completeness = frame_run(Input::composed(input, chunks.data), 0, FrameSync::kMpegAudio).completeness;
    }
  }
  if (layout.pieces.empty()) layout.pieces = rebuilt(chunks, format.raw, order);
  if (chunks.fact.size() == 4 && layout.decoder == Decoder::kSndfile) {
    const Input fact = Input::composed(input, {Piece::of(chunks.fact)});
    layout.exact_frames = Stretch(fact, 0, 4).number(0, 4, order);
  }
  if (chunks.declared) layout.completeness = cut(*chunks.declared, chunks.bytes, bytes_per_second);
  return layout;
}

}  // namespace

Result<Layout> wav(const Input& input, const Container& container) {
  const Stretch head(input, 0, 4);
  const Order order = head.has(0, "RIFX"sv) ? Order::kBig : Order::kLittle;
  return laid_out(input, container, riff_chunks(input, order), order);
}

Result<Layout> w64(const Input& input, const Container& container) {
  return laid_out(input, container, w64_chunks(input), Order::kLittle);
}

}  // namespace timbre::layouts
