// FLAC, MP4 and Matroska: as much of their structure as tells whether they are whole.
#include <algorithm>
#include <string_view>

#include "audio/bytes.h"
#include "audio/layout.h"

namespace timbre::layouts {

namespace {

using namespace std::string_view_literals;

/// "fLaC" and the head of a STREAMINFO block, which nothing but the beginning of a FLAC stream looks like.
bool flac_begins(const Stretch& bytes, std::size_t at) {
  return bytes.has(at, "fLaC"sv) && bytes.has(at + 5, "\0\0\x22"sv);
}

/// Where the FLAC stream ends that begins at 0: before another one, or before the tags behind it.
std::uint64_t flac_end(const Input& input) {
  constexpr std::size_t kBlock = 1 << 20;
  constexpr std::size_t kOverlap = 8;
  for (std::uint64_t offset = 8; offset < input.size(); offset += kBlock) {
    const Stretch block(input, offset, kBlock + kOverlap);
    const std::string_view text = block.text();
    for (std::size_t at = text.find("fLaC"sv); at < kBlock; at = text.find("fLaC"sv, at + 1)) {
      if (flac_begins(block, at)) return offset + at;
    }
  }
  return end_before_tags(input);
}

}  // namespace

std::uint64_t end_before_tags(const Input& input) {
  std::uint64_t end = input.size();
  if (end > 128 && Stretch(input, end - 128, 3).has(0, "TAG"sv)) end -= 128;
  if (end > 32) {
    const Stretch footer(input, end - 32, 32);
    const std::uint64_t tag = footer.number(12, 4, Order::kLittle);
    const std::uint64_t header = (footer[23] & 0x80) != 0 ? 32 : 0;
    if (footer.has(0, "APETAGEX"sv) && tag + header < end) end -= tag + header;
  }
  return end;
}

Result<Layout> flac(const Input& input) {
  Layout layout;
  layout.decoder = Decoder::kFlac;
  layout.demuxer = "flac";
  layout.end = flac_end(input);
  layout.pieces = {Piece::stretch(0, layout.end)};
  return layout;
}

Result<Layout> mp4(const Input& input, const Container& container) {
  Layout layout;
  layout.demuxer = container.demuxer;
  layout.pieces = {Piece::stretch(0, input.size())};
  layout.end = input.size();
  bool index = false;
  bool fragments = false;
  bool media = false;
  std::uint64_t offset = 0;
  constexpr int kMostBoxes = 1 << 20;
  for (int i = 0; i < kMostBoxes; ++i) {
    const Stretch box(input, offset, 16);
    if (box.size() < 8) break;
    std::uint64_t size = box.number(0, 4, Order::kBig);
    if (size == 1) size = box.number(8, 8, Order::kBig);
    index = index || box.has(4, "moov"sv);
    fragments = fragments || box.has(4, "moof"sv);
    media = media || box.has(4, "mdat"sv);
    if (size == 0) break;  // to the end of the file
    if (size < 8) break;
    const std::uint64_t left = input.size() - offset;
    if (size > left) {
      layout.completeness = {Shortfall::kTruncated, std::nullopt,
                             "is truncated: its box '" + std::string(box.text().substr(4, 4)) + "' has " +
                                 std::to_string(size) + " bytes, " + std::to_string(left) + " are there"};
      for (char& c : layout.completeness.what) {
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) c = '?';
      }
      break;
    }
    offset += size;
  }
  if (index) return layout;
  if (fragments) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED,
                 input.name() +
                     " is a fragment of an MP4 stream without the header (ftyp, moov) that its first piece "
                     "has: send all pieces joined from the first"};
  }
  return Error{ErrorCode::AUDIO_CORRUPT,
               input.name() + " (" + container.name + ") has no index (moov)" +
                   (media ? ": it is cut off, or its recorder was ended before it wrote the index; record it again"
                          : " and no audio in it")};
}

Result<Layout> matroska(const Input& input, const Container& container) {
  Layout layout;
  layout.demuxer = container.demuxer;
  layout.pieces = {Piece::stretch(0, input.size())};
  layout.end = input.size();
  // The EBML header and, behind it, the size of the segment that holds everything else.
  const auto element = [&](std::uint64_t at) -> std::pair<std::uint64_t, std::uint64_t> {
    const Stretch bytes(input, at, 16);
    constexpr std::size_t kId = 4;
    std::size_t length = 1;
    while (length < 8 && (bytes[kId] & (0x80U >> (length - 1))) == 0) ++length;
    std::uint64_t size = bytes.number(kId, length, Order::kBig) & ((1ULL << (7 * length)) - 1);
    if (size == (1ULL << (7 * length)) - 1) size = ~0ULL;
    return {at + kId + length, size};
  };
  const auto [body, size] = element(0);
  const std::uint64_t segment = size > input.size() ? input.size() : body + size;
  if (Stretch(input, segment, 4).has(0, "\x18\x53\x80\x67"sv)) {
    const auto [begin, length] = element(segment);
    const std::uint64_t left = input.size() - std::min(begin, input.size());
    if (length != ~0ULL && length > left) {
      layout.completeness = {
          Shortfall::kTruncated, std::nullopt,
          "is truncated: it declares " + std::to_string(length) + " bytes, " + std::to_string(left) + " are there"};
    }
  }
  return layout;
}

}  // namespace timbre::layouts
