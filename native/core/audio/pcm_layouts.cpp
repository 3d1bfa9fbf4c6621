// AIFF and AIFF-C, Sun's AU, Apple's CAF, IRCAM, NIST SPHERE: headers around samples.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <string_view>

#include "audio/bytes.h"
#include "audio/layout.h"
#include "audio/padded_pcm.h"

namespace timbre::layouts {

namespace {

using namespace std::string_view_literals;

constexpr int kMostChunks = 65536;

Error without_audio(const Input& input, const Container& container) {
  return {ErrorCode::AUDIO_CORRUPT, input.name() + " (" + container.name + ") holds no audio (0 samples)"};
}

/// An 80-bit float, as AIFF gives its rate.
double extended(const Stretch& bytes, std::size_t at) {
  const auto exponent = static_cast<int>(bytes.number(at, 2, Order::kBig) & 0x7FFF);
  return std::ldexp(static_cast<double>(bytes.number(at + 2, 8, Order::kBig)), exponent - 16383 - 63);
}

/// AIFF-C compressions that libsndfile reads; ffmpeg is asked about the others.
bool uncompressed(std::string_view type) {
  static constexpr auto kTypes =
      std::to_array<std::string_view>({"NONE", "twos", "sowt", "raw ", "in24", "in32", "42ni", "23ni", "fl32", "FL32",
                                       "fl64", "FL64", "ulaw", "ULAW", "alaw", "ALAW", "ima4", "GSM ", "DWVW"});
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

/// Bytes of one sample; 0 where they are not of one size.
unsigned sample_bytes(std::string_view type, unsigned bits) {
  if (type == "ulaw" || type == "ULAW" || type == "alaw" || type == "ALAW") return 1;
  if (type == "fl64" || type == "FL64") return 8;
  if (type == "fl32" || type == "FL32") return 4;
  return type == "ima4" || type == "GSM " || type == "DWVW" ? 0 : (bits + 7) / 8;
}

}  // namespace

Result<Layout> aiff(const Input& input, const Container& container) {
  const Stretch head(input, 0, 12);
  const bool compressed = head.has(8, "AIFC"sv);
  std::vector<std::uint8_t> common;
  std::uint64_t audio = 0;
  std::uint64_t declared = 0;
  std::uint64_t end = input.size();
  std::uint64_t offset = 12;
  for (int i = 0; i < kMostChunks; ++i) {
    const Stretch chunk(input, offset, 16);
    if (chunk.size() < 8 || chunk.has(0, "FORM"sv)) break;
    const std::uint64_t size = chunk.number(4, 4, Order::kBig);
    if (chunk.has(0, "COMM"sv) && common.empty()) {
      common = Stretch(input, offset + 8, static_cast<std::size_t>(std::min<std::uint64_t>(size, 512))).bytes();
    } else if (chunk.has(0, "SSND"sv) && audio == 0 && chunk.size() == 16) {
      const std::uint64_t gap = chunk.number(8, 4, Order::kBig);
      audio = offset + 16 + gap;
      declared = size >= 8 + gap ? size - 8 - gap : 0;
    }
    end = offset + 8 + size + (size & 1);
    if (end >= input.size()) break;
    offset = end;
  }
  if (common.size() < 18) {
    return Error{ErrorCode::AUDIO_CORRUPT, input.name() + " is damaged: it begins like AIFF and has no format in it"};
  }
  if (audio == 0 || audio >= input.size()) return without_audio(input, container);

  const Input header = Input::composed(input, {Piece::of(common)});
  const Stretch fields(header, 0, common.size());
  const auto channels = static_cast<unsigned>(fields.number(0, 2, Order::kBig));
  const std::uint64_t frames = fields.number(2, 4, Order::kBig);
  const auto bits = static_cast<unsigned>(fields.number(6, 2, Order::kBig));
  const double rate = extended(fields, 8);
  const std::string_view type = compressed ? fields.text().substr(18, 4) : "NONE"sv;
  const std::uint64_t frame = static_cast<std::uint64_t>(channels) * sample_bytes(type, bits);
  const std::uint64_t there = input.size() - audio;
  const bool unknown = declared == 0 || declared >= 0x7FFF0000;
  // Streams have no number of frames either, or the largest.
  std::uint64_t bytes = unknown ? (frame > 0 && frames > 0 && frames < 0x7FFF0000 ? frames * frame : there) : declared;

  Layout layout;
  layout.decoder = uncompressed(type) ? Decoder::kSndfile : Decoder::kFfmpeg;
  layout.demuxer = container.demuxer;
  layout.completeness = cut(bytes, there, rate * static_cast<double>(frame));
  bytes = std::min(bytes, there);
  if (frame > 0) bytes -= bytes % frame;
  layout.end = std::min(input.size(), std::max(audio + bytes, unknown ? input.size() : end));
  const std::uint64_t whole = frame > 0 ? bytes / frame : frames;
  HeaderWriter out(Order::kBig);
  const std::uint64_t room = common.size() + (common.size() & 1);
  out.text("FORM").number(4 + (compressed ? 12 : 0) + 8 + room + 16 + bytes + (bytes & 1), 4);
  out.text(compressed ? "AIFC" : "AIFF");
  if (compressed) out.text("FVER").number(4, 4).number(0xA2805140, 4);
  out.text("COMM").number(common.size(), 4).number(channels, 2).number(whole, 4);
  out.raw({common.begin() + 6, common.end()}).number(0, common.size() & 1);
  out.text("SSND").number(8 + bytes, 4).number(0, 8);
  layout.pieces = {Piece::of(out.take()), Piece::stretch(audio, bytes)};
  return layout;
}

Result<Layout> au(const Input& input, const Container& container) {
  const Stretch head(input, 0, 24);
  const Order order = head.has(0, "dns."sv) ? Order::kLittle : Order::kBig;
  const auto field = [&](std::size_t at) { return head.number(at, 4, order); };
  const std::uint64_t start = field(4);
  const std::uint64_t size = field(8);
  const std::uint64_t encoding = field(12);
  const std::uint64_t rate = field(16);
  const std::uint64_t channels = field(20);
  if (head.size() < 24 || start < 24 || start >= input.size()) return without_audio(input, container);
  constexpr std::array<unsigned, 8> kBits = {0, 8, 8, 16, 24, 32, 32, 64};
  double bits = 0;
  if (encoding < kBits.size()) bits = kBits[encoding];
  if (encoding == 27) bits = 8;                                         // A-law
  if (encoding == 23) bits = 4;                                         // G.721
  if (encoding == 24) bits = 8;                                         // G.722
  if (encoding == 25 || encoding == 26) bits = encoding == 25 ? 3 : 5;  // G.723
  Layout layout;
  layout.decoder = encoding == 24 ? Decoder::kFfmpeg : Decoder::kSndfile;
  layout.demuxer = container.demuxer;
  const std::uint64_t there = input.size() - start;
  const bool unknown = size >= 0xFFFFFF00 || size == 0;
  if (!unknown) layout.completeness = cut(size, there, static_cast<double>(rate * channels) * bits / 8);
  const std::uint64_t bytes = unknown ? there : std::min(size, there);
  layout.end = start + bytes;
  HeaderWriter out(order);
  out.text(order == Order::kBig ? ".snd" : "dns.").number(24, 4).number(std::min<std::uint64_t>(bytes, 0xFFFFFFFF), 4);
  out.number(encoding, 4).number(rate, 4).number(channels, 4);
  layout.pieces = {Piece::of(out.take()), Piece::stretch(start, bytes)};
  return layout;
}

Result<Layout> caf(const Input& input, const Container& container) {
  std::vector<std::uint8_t> description;
  std::vector<Piece> tables;  // what decoders of compressed audio need beside the data
  std::uint64_t audio = 0;
  std::uint64_t bytes = 0;
  std::uint64_t declared_frames = 0;
  Completeness completeness;
  std::uint64_t declared = 0;
  std::uint64_t offset = 8;
  for (int i = 0; i < kMostChunks; ++i) {
    const Stretch chunk(input, offset, 12);
    if (chunk.size() < 12) break;
    const std::uint64_t size = chunk.number(4, 8, Order::kBig);
    const std::uint64_t body = offset + 12;
    const std::uint64_t there = input.size() - body;
    if (chunk.has(0, "desc"sv) && size >= 32 && description.empty()) {
      description = Stretch(input, body, 32).bytes();
    } else if (chunk.has(0, "kuki"sv) || chunk.has(0, "pakt"sv)) {
      if (chunk.has(0, "pakt"sv)) declared_frames = Stretch(input, body, 16).number(8, 8, Order::kBig);
      if (size <= there) tables.push_back(Piece::stretch(offset, 12 + size));
    } else if (chunk.has(0, "data"sv) && audio == 0) {
      const bool unknown = size == ~0ULL;
      audio = body + 4;
      if (audio > input.size()) return without_audio(input, container);
      declared = unknown || size < 4 ? there - 4 : size - 4;
      bytes = std::min(declared, there - 4);
      if (unknown) break;
    }
    if (size > there) break;
    offset = body + size;
  }
  if (description.size() < 32) {
    return Error{ErrorCode::AUDIO_CORRUPT, input.name() + " is damaged: it begins like CAF and has no format in it"};
  }
  if (audio == 0 || bytes == 0) return without_audio(input, container);

  const Input header = Input::composed(input, {Piece::of(description)});
  const Stretch fields(header, 0, 32);
  const auto number = [&](std::size_t at) { return fields.number(at, 4, Order::kBig); };
  const double rate = std::bit_cast<double>(fields.number(0, 8, Order::kBig));
  const std::string_view type = fields.text().substr(8, 4);
  const std::uint64_t packet = number(16);
  const std::uint64_t packet_frames = number(20);
  const std::uint64_t channels = number(24);
  const auto bits = static_cast<unsigned>(number(28));
  const bool sound_rate = std::isfinite(rate) && rate > 0 && rate < 1e9;
  double bytes_per_second = 0;
  if (packet > 0 && packet_frames > 0 && sound_rate) {
    bytes_per_second = static_cast<double>(packet) / static_cast<double>(packet_frames) * rate;
  }
  Layout layout;
  layout.decoder =
      type == "lpcm" || type == "alaw" || type == "ulaw" || type == "alac" ? Decoder::kSndfile : Decoder::kFfmpeg;
  layout.demuxer = container.demuxer;
  layout.completeness = cut(declared, bytes, bytes_per_second);
  layout.declared_frames = type == "lpcm" ? 0 : declared_frames;
  layout.end = audio + bytes;
  const bool integers = (number(12) & 1) == 0;
  if (type == "lpcm" && integers && channels > 0 && packet % channels == 0 && bits > 0 && sound_rate) {
    const std::uint64_t size = packet / channels;
    if (size >= 2 && size <= 4 && 8 * size > bits) {
      const PaddedPcm padded{static_cast<int>(std::min<std::uint64_t>(channels, 65535)), static_cast<int>(rate),
                             static_cast<int>(size), static_cast<int>(bits), (number(12) & 2) == 0};
      const Piece samples = Piece::stretch(audio, bytes);
      if (at_lower_end(Input::composed(input, {samples}), padded)) {
        layout.decoder = Decoder::kPaddedPcm;
        layout.padded = padded;
        layout.pieces = {samples};
        return layout;
      }
      const std::uint64_t full = 8 * size;
      for (std::size_t i = 0; i < 4; ++i) description[28 + i] = static_cast<std::uint8_t>(full >> (8 * (3 - i)));
    }
  }
  HeaderWriter out(Order::kBig);
  out.text("caff").number(1, 2).number(0, 2).text("desc").number(32, 8).raw(description);
  layout.pieces.push_back(Piece::of(out.take()));
  for (Piece& table : tables) layout.pieces.push_back(std::move(table));
  HeaderWriter data(Order::kBig);
  data.text("data").number(4 + bytes, 8).number(0, 4);
  layout.pieces.push_back(Piece::of(data.take()));
  layout.pieces.push_back(Piece::stretch(audio, bytes));
  return layout;
}

Result<Layout> ircam(const Input& input, const Container& container) {
  constexpr std::uint64_t kHeader = 1024;
  if (input.size() <= kHeader) return without_audio(input, container);
  Layout layout;
  layout.decoder = Decoder::kSndfile;
  // Its header says nothing about its length.
  layout.pieces = {Piece::of(Stretch(input, 0, kHeader).bytes()), Piece::stretch(kHeader, input.size() - kHeader)};
  layout.end = input.size();
  return layout;
}

Result<Layout> sphere(const Input& input, const Container& container) {
  constexpr std::uint64_t kHeader = 1024;
  const Stretch head(input, 0, kHeader);
  const auto field = [&](std::string_view name) -> std::uint64_t {
    std::uint64_t value = 0;
    const std::string key = "\n" + std::string(name) + " -i ";
    const auto at = head.text().find(key);
    if (at == std::string_view::npos) return 0;
    const std::string_view rest = head.text().substr(at + key.size());
    std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return value;
  };
  if (head.text().find("shorten"sv) != head.text().npos || head.text().find("wavpack"sv) != head.text().npos) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED,
                 input.name() + " is compressed SPHERE, which is not read here; unpack it with sph2pipe or w_decode"};
  }
  if (input.size() <= kHeader) return without_audio(input, container);
  const std::uint64_t frame = field("channel_count") * std::min<std::uint64_t>(field("sample_n_bytes"), 8);
  const std::uint64_t frames = std::min<std::uint64_t>(field("sample_count"), 1ULL << 40);
  Layout layout;
  layout.decoder = Decoder::kSndfile;
  layout.pieces = {Piece::of(head.bytes()), Piece::stretch(kHeader, input.size() - kHeader)};
  layout.end = input.size();
  layout.completeness = cut(frames * std::min<std::uint64_t>(frame, 1024), input.size() - kHeader,
                            static_cast<double>(field("sample_rate") * frame));
  return layout;
}

}  // namespace timbre::layouts
