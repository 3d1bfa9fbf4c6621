#include "audio/ogg_reader.h"

#include <opus_multistream.h>
#include <vorbis/codec.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "audio/buffered_reader.h"
#include "audio/flac_reader.h"
#include "audio/tracks.h"
#include "support/text.h"

namespace timbre {

namespace {

/// Positions that the pages of a stream give against the audio that was found, both in samples of the stream's clock.
class Timeline {
 public:
  enum class Verdict { kOk, kTooEarly };

  /// `count` samples end on a page that says `granule`. `last`: the page is the stream's last.
  Verdict page(std::int64_t granule, std::int64_t count, bool last) {
    surplus_ = 0;
    found_ += count;
    if (granule < 0) return Verdict::kOk;
    if (!offset_) {
      if (granule < found_ && !last) return Verdict::kTooEarly;
      // A stream may begin in the middle of another.
      offset_ = std::max<std::int64_t>(granule - found_, 0);
    }
    const std::int64_t difference = granule - *offset_ - found_;
    if (difference < 0 && last) {
      surplus_ = std::min(-difference, count);
      return Verdict::kOk;
    }
    if (difference > 0) missing_ += difference;
    *offset_ += difference;
    return Verdict::kOk;
  }

  /// Samples at the end of the last page that are padding.
  std::int64_t surplus() const { return surplus_; }
  std::int64_t missing() const { return missing_; }

 private:
  std::optional<std::int64_t> offset_;
  std::int64_t found_ = 0;
  std::int64_t surplus_ = 0;
  std::int64_t missing_ = 0;
};

/// Shorter ones are rounding.
constexpr double kShortestGap = 0.002;

/// A stream that is decoded page by page.
class OggReader : public BufferedReader {
 public:
  OggReader(const Input& input, std::uint32_t serial) : name_(input.name()), packets_(input, serial) {}

  const StreamInfo& info() const override { return info_; }

  Completeness completeness() const override {
    Completeness result = packets_.completeness();
    const double missing = static_cast<double>(timeline_.missing()) / clock_;
    if (missing >= kShortestGap) {
      const bool told = result.shortfall == Shortfall::kDamaged;
      result.add({Shortfall::kGaps, missing,
                  "has gaps: " + seconds_text(missing) + " are missing between the pages that are there"});
      if (told) result.missing_seconds = missing;
    }
    if (broken_ > 0) {
      result.add({Shortfall::kDamaged, std::nullopt,
                  "is damaged: " + std::to_string(broken_) + " of its packets cannot be decoded"});
    }
    return result;
  }

 protected:
  /// Fills pending_ with what the packets of a page hold. Errors: AUDIO_CORRUPT.
  virtual Status decode(const std::vector<ogg_packet>& page) = 0;

  /// The audio of the next page that holds some.
  Status refill() override {
    while (pending_.empty()) {
      const std::vector<ogg_packet>& page = packets_.next_page();
      if (page.empty()) break;
      if (auto decoded = decode(page); !decoded) return decoded;
    }
    return ok();
  }

  Error damaged(const std::string& what) const {
    return {ErrorCode::AUDIO_CORRUPT, name_ + " is a damaged Ogg recording: " + what};
  }

  const std::string name_;
  OggPackets packets_;
  Timeline timeline_;
  StreamInfo info_;
  int clock_ = 1;             ///< Hz, of the positions
  std::uint64_t broken_ = 0;  ///< packets that cannot be decoded
};

/// RFC 7845, RFC 6716.
class OpusReader final : public OggReader {
 public:
  using OggReader::OggReader;
  ~OpusReader() override {
    if (decoder_) opus_multistream_decoder_destroy(decoder_);
  }

  Status open() {
    clock_ = kClock;
    while (!decoder_) {
      const std::vector<ogg_packet>& page = packets_.next_page();
      if (page.empty()) return damaged("it has no header");
      if (auto made = begin(page.front()); !made) return made;
    }
    return ok();
  }

 protected:
  Status decode(const std::vector<ogg_packet>& page) override {
    std::int64_t count = 0;
    bool audio = false;
    for (const ogg_packet& packet : page) {
      if (is_tags(packet)) continue;
      const int samples = opus_packet_get_nb_samples(packet.packet, static_cast<opus_int32>(packet.bytes), kClock);
      if (samples > 0) count += samples;
      audio = true;
    }
    if (!audio) return ok();
    const ogg_packet& end = page.back();
    if (timeline_.page(end.granulepos, count, end.e_o_s != 0) == Timeline::Verdict::kTooEarly) {
      return damaged("its first page holds " + std::to_string(count) + " samples and says that only " +
                     std::to_string(end.granulepos) + " have passed, which RFC 7845 does not allow");
    }
    for (const ogg_packet& packet : page) {
      if (!is_tags(packet)) decode(packet);
    }
    const auto channels = static_cast<std::size_t>(info_.channels);
    const auto surplus = static_cast<std::size_t>(timeline_.surplus() * info_.sample_rate / kClock) * channels;
    pending_.resize(pending_.size() - std::min(surplus, pending_.size()));
    const std::size_t skipped = std::min(skip_ * channels, pending_.size());
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<long>(skipped));
    skip_ -= skipped / channels;
    return ok();
  }

 private:
  static constexpr int kClock = 48000;

  static bool is_tags(const ogg_packet& packet) {
    static constexpr std::string_view kTags = "OpusTags";
    return std::string_view(reinterpret_cast<const char*>(packet.packet), static_cast<std::size_t>(packet.bytes))
        .starts_with(kTags);
  }

  void decode(const ogg_packet& packet) {
    const auto channels = static_cast<std::size_t>(info_.channels);
    const auto size = static_cast<opus_int32>(packet.bytes);
    const int samples = opus_packet_get_nb_samples(packet.packet, size, info_.sample_rate);
    const std::size_t before = pending_.size();
    int got = -1;
    if (samples > 0) {
      pending_.resize(before + static_cast<std::size_t>(samples) * channels);
      got = opus_multistream_decode_float(decoder_, packet.packet, size, pending_.data() + before, samples, 0);
    }
    if (got < 0) ++broken_;
    pending_.resize(before + static_cast<std::size_t>(std::max(got, 0)) * channels);
  }

  Status begin(const ogg_packet& head) {
    const std::uint8_t* const bytes = head.packet;
    if (head.bytes < 19 || (bytes[8] & 0xF0) != 0) return damaged("its Opus header is broken");
    const int channels = bytes[9];
    const unsigned family = bytes[18];
    int streams = 1;
    int coupled = channels - 1;
    std::array<std::uint8_t, 255> mapping{0, 1};
    if (family != 0) {
      if (head.bytes < 21 + channels) return damaged("its Opus header is broken");
      streams = bytes[19];
      coupled = bytes[20];
      std::copy_n(bytes + 21, channels, mapping.begin());
    }
    if (channels < 1 || (family == 0 && channels > 2) || streams < 1 || coupled > streams || streams + coupled > 255) {
      return damaged("its Opus header is broken");
    }
    // The rate that went in; 0 leaves it open. Decoding at a higher one adds nothing.
    const unsigned rate = bytes[12] | static_cast<unsigned>(bytes[13]) << 8U | static_cast<unsigned>(bytes[14]) << 16U |
                          static_cast<unsigned>(bytes[15]) << 24U;
    static constexpr std::array<int, 4> kRates = {8000, 12000, 16000, 24000};
    const auto* const fits =
        std::find_if(kRates.begin(), kRates.end(), [&](int r) { return static_cast<unsigned>(r) >= rate; });
    info_.sample_rate = rate == 0 || fits == kRates.end() ? kClock : *fits;
    info_.channels = channels;
    info_.format = "OGG/OPUS";
    skip_ =
        (bytes[10] | static_cast<std::size_t>(bytes[11]) << 8U) * static_cast<std::size_t>(info_.sample_rate) / kClock;
    int error = OPUS_OK;
    decoder_ = opus_multistream_decoder_create(info_.sample_rate, channels, streams, coupled, mapping.data(), &error);
    if (error == OPUS_ALLOC_FAIL) return Error{ErrorCode::OUT_OF_MEMORY, "the Opus decoder could not be made"};
    if (!decoder_) return damaged("its Opus header is broken");
    const auto gain = static_cast<std::int16_t>(bytes[16] | static_cast<unsigned>(bytes[17]) << 8U);
    opus_multistream_decoder_ctl(decoder_, OPUS_SET_GAIN(gain));
    return ok();
  }

  OpusMSDecoder* decoder_ = nullptr;
  std::size_t skip_ = 0;  ///< samples of a channel that are still to be left out at the beginning
};

class VorbisReader final : public OggReader {
 public:
  VorbisReader(const Input& input, std::uint32_t serial) : OggReader(input, serial) {
    vorbis_info_init(&header_);
    vorbis_comment_init(&comment_);
  }
  ~VorbisReader() override {
    if (started_) {
      vorbis_block_clear(&block_);
      vorbis_dsp_clear(&state_);
    }
    vorbis_comment_clear(&comment_);
    vorbis_info_clear(&header_);
  }

  Status open() {
    int headers = 0;
    std::vector<ogg_packet> page;
    std::size_t used = 0;
    while (headers < 3) {
      if (used == page.size()) {
        page = packets_.next_page();
        used = 0;
        if (page.empty()) return damaged("it ends within its Vorbis headers");
      }
      ogg_packet& packet = page[used++];
      packet.b_o_s = headers == 0 ? 1 : 0;
      if (vorbis_synthesis_headerin(&header_, &comment_, &packet) != 0) return damaged("its Vorbis headers are broken");
      ++headers;
    }
    if (header_.rate < 1 || header_.rate > 1 << 30 || header_.channels < 1)
      return damaged("its Vorbis headers are broken");
    if (vorbis_synthesis_init(&state_, &header_) != 0) return damaged("its Vorbis headers are broken");
    vorbis_block_init(&state_, &block_);
    started_ = true;
    clock_ = static_cast<int>(header_.rate);
    info_ = {clock_, header_.channels, 0, "OGG/VORBIS"};
    // Audio should begin on a page of its own.
    if (used < page.size()) return decode({page.begin() + static_cast<long>(used), page.end()});
    return ok();
  }

 protected:
  Status decode(const std::vector<ogg_packet>& page) override {
    std::int64_t count = 0;
    for (const ogg_packet& packet : page) {
      ogg_packet plain = packet;
      // The library cuts by positions, and cuts too much where they are wrong.
      plain.granulepos = -1;
      plain.e_o_s = 0;
      if (vorbis_synthesis(&block_, &plain) != 0) {
        ++broken_;
        continue;
      }
      vorbis_synthesis_blockin(&state_, &block_);
      count += take();
    }
    const ogg_packet& end = page.back();
    std::int64_t early = 0;
    if (!positioned_ && end.granulepos >= 0) {
      positioned_ = true;
      // The first page may say that the first samples are not meant to be heard.
      if (end.granulepos < count && end.e_o_s == 0) early = count - end.granulepos;
    }
    timeline_.page(end.granulepos, count - early, end.e_o_s != 0);
    const auto channels = static_cast<std::size_t>(info_.channels);
    const auto surplus = static_cast<std::size_t>(timeline_.surplus()) * channels;
    pending_.resize(pending_.size() - std::min(surplus, pending_.size()));
    const std::size_t skipped = std::min(static_cast<std::size_t>(early) * channels, pending_.size());
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<long>(skipped));
    return ok();
  }

 private:
  /// Moves what is decoded to pending_, interleaved. Gives samples of a channel.
  std::int64_t take() {
    std::int64_t count = 0;
    float** planes = nullptr;
    for (int got = vorbis_synthesis_pcmout(&state_, &planes); got > 0;
         got = vorbis_synthesis_pcmout(&state_, &planes)) {
      const std::size_t before = pending_.size();
      const auto channels = static_cast<std::size_t>(info_.channels);
      pending_.resize(before + static_cast<std::size_t>(got) * channels);
      for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i)
          pending_[before + i * channels + c] = planes[c][i];
      }
      vorbis_synthesis_read(&state_, got);
      count += got;
    }
    return count;
  }

  vorbis_info header_{};
  vorbis_comment comment_{};
  vorbis_dsp_state state_{};
  vorbis_block block_{};
  bool started_ = false;
  bool positioned_ = false;
};

template <typename Kind>
Result<std::unique_ptr<Reader>> opened(const Input& input, std::uint32_t serial) {
  auto reader = std::make_unique<Kind>(input, serial);
  if (auto status = reader->open(); !status) return std::move(status).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace

Result<std::unique_ptr<Reader>> open_ogg(const Input& input, const AudioSelection& selection) {
  std::vector<OggStream> streams = ogg_link(input).streams;
  std::erase_if(streams, [](const OggStream& stream) { return stream.codec == OggCodec::kNone; });
  if (streams.empty()) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED,
                 input.name() + " (Ogg) holds no audio track in Opus, Vorbis, FLAC or Speex"};
  }
  const int tracks = static_cast<int>(streams.size());
  const int track = selection.track.value_or(0);
  if (track >= tracks) return no_such_track(input.name(), track, tracks);
  const OggStream& stream = streams[static_cast<std::size_t>(track)];
  constexpr std::size_t kFlacMapping = 9;
  Result<std::unique_ptr<Reader>> reader = Error{ErrorCode::AUDIO_UNSUPPORTED, input.name() + " is Speex"};
  if (stream.codec == OggCodec::kOpus) reader = opened<OpusReader>(input, stream.serial);
  if (stream.codec == OggCodec::kVorbis) reader = opened<VorbisReader>(input, stream.serial);
  if (stream.codec == OggCodec::kFlac) {
    reader = open_flac(ogg_bytes(input, stream.serial, kFlacMapping), input.name(), "OGG");
  }
  if (reader) reader = with_tracks(std::move(reader).value(), tracks, track);
  return reader;
}

}  // namespace timbre
