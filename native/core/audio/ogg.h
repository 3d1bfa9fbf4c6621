#pragma once

#include <ogg/ogg.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "audio/completeness.h"
#include "audio/input.h"
#include "audio/sequential_bytes.h"

namespace timbre {

enum class OggCodec { kOpus, kVorbis, kFlac, kSpeex, kNone };

/// One logical stream of an Ogg file.
struct OggStream {
  std::uint32_t serial = 0;
  OggCodec codec = OggCodec::kNone;  ///< none: video, text, or audio that is not read
};

/// Streams that begin together. A file may have several such links, one behind the other.
struct OggLink {
  std::vector<OggStream> streams;
  std::uint64_t end = 0;  ///< where the next link begins, or the input ends
};

/// The link that begins at 0.
OggLink ogg_link(const Input& input);

/// The packets of one logical stream, page by page. The input must outlive it.
class OggPackets {
 public:
  OggPackets(const Input& input, std::uint32_t serial);
  OggPackets(const OggPackets&) = delete;
  OggPackets& operator=(const OggPackets&) = delete;
  ~OggPackets();

  /// The packets that end on the next page that has some, their bytes valid until the next call; empty at the end.
  const std::vector<ogg_packet>& next_page();

  /// Broken pages, pages that are missing, a cut page, an end without its mark; at the end.
  Completeness completeness() const;

 private:
  /// A page of any stream; false at the end.
  bool next_of_any(ogg_page& page);

  Cursor cursor_;
  const std::uint32_t serial_;
  ogg_sync_state sync_{};
  ogg_stream_state stream_{};
  std::vector<ogg_packet> packets_;
  bool ended_ = false;         ///< the mark of the end was seen
  std::uint64_t skipped_ = 0;  ///< bytes that belong to no page
  std::uint64_t unread_ = 0;   ///< of an incomplete page at the end
  int holes_ = 0;              ///< pages missing between those that are there
};

/// The bytes of all packets as one stream, the first `skip` of the first packet left out: FLAC in Ogg as FLAC.
std::unique_ptr<SequentialBytes> ogg_bytes(const Input& input, std::uint32_t serial, std::size_t skip);

}  // namespace timbre
