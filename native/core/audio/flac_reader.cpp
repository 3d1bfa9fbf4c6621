#include "audio/flac_reader.h"

#include <FLAC/stream_decoder.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "audio/buffered_reader.h"
#include "support/text.h"

namespace timbre {

namespace {

/// "fLaC", the head of a STREAMINFO block, and the block.
constexpr std::size_t kHead = 42;

class FlacReader final : public BufferedReader {
 public:
  FlacReader(std::unique_ptr<SequentialBytes> bytes, const std::string& name, const std::string& container)
      : bytes_(std::move(bytes)), name_(name), container_(container) {}

  ~FlacReader() override {
    if (decoder_) FLAC__stream_decoder_delete(decoder_);
  }

  Status open() {
    while (head_size_ < kHead) {
      const std::size_t got = bytes_->read(std::span(head_).subspan(head_size_));
      if (got == 0) break;
      head_size_ += got;
    }
    const std::string_view text(reinterpret_cast<const char*>(head_.data()), head_size_);
    if (head_size_ < kHead || !text.starts_with("fLaC") || (head_[4] & 0x7F) != 0)
      return damaged("its header is broken");
    const auto at = [&](std::size_t i) { return static_cast<std::uint64_t>(head_[i]); };
    const auto rate = static_cast<int>(at(18) << 12 | at(19) << 4 | at(20) >> 4);
    const auto channels = static_cast<int>((at(20) >> 1 & 7) + 1);
    bits_ = static_cast<int>(((at(20) & 1) << 4 | at(21) >> 4) + 1);
    const std::uint64_t total = (at(21) & 15) << 32 | at(22) << 24 | at(23) << 16 | at(24) << 8 | at(25);
    if (rate == 0 || bits_ < 4) return damaged("its header is broken");
    // The decoder ends where the header says. It may be wrong, so it is told that nobody knows.
    head_[21] &= 0xF0;
    std::fill_n(head_.begin() + 22, 4, std::uint8_t{0});
    info_ = {rate, channels, total, container_ + "/" + codec()};

    decoder_ = FLAC__stream_decoder_new();
    if (!decoder_) return Error{ErrorCode::OUT_OF_MEMORY, "the FLAC decoder could not be made"};
    const auto status = FLAC__stream_decoder_init_stream(decoder_, on_read, nullptr, nullptr, nullptr, nullptr,
                                                         on_write, nullptr, on_error, this);
    if (status != FLAC__STREAM_DECODER_INIT_STATUS_OK) {
      return Error{ErrorCode::OUT_OF_MEMORY, "the FLAC decoder could not be started"};
    }
    if (!FLAC__stream_decoder_process_until_end_of_metadata(decoder_)) return damaged("its header is broken");
    // What is wrong with the first frame is known only once it is read.
    if (auto first = refill(); !first) return first;
    if (pending_.empty()) {
      if (bits_ == 32) {
        return Error{ErrorCode::AUDIO_UNSUPPORTED,
                     name_ + " is FLAC of 32 bits, which this libFLAC does not read; convert it to 24 bits"};
      }
      if (total == 0 && broken_ == 0)
        return Error{ErrorCode::AUDIO_CORRUPT, name_ + " (FLAC) holds no audio (0 samples)"};
      return damaged("none of its frames can be read");
    }
    return ok();
  }

  const StreamInfo& info() const override { return info_; }

  Completeness completeness() const override {
    Completeness result = bytes_->completeness();
    if (lost_ > 0 || between_ > 0) {
      result.add({Shortfall::kDamaged,
                  lost_ > 0 ? std::optional(static_cast<double>(lost_) / info_.sample_rate) : std::nullopt,
                  "is damaged: some of its FLAC frames are broken"});
    }
    // The length of FLAC is exact, and what is behind the last frame no fault where all of it is there.
    const std::uint64_t accounted = read_ + lost_;
    if (accounted < info_.frames) {
      const double missing = static_cast<double>(info_.frames - accounted) / info_.sample_rate;
      const double all = missing + static_cast<double>(lost_) / info_.sample_rate;
      result.add({Shortfall::kTruncated, missing, "is truncated: its last " + seconds_text(missing) + " are missing"});
      result.missing_seconds = all;
    } else if (broken_ > 0 && info_.frames == 0 && result.complete()) {
      result.add({Shortfall::kDamaged, std::nullopt, "is damaged: what is behind its last FLAC frame cannot be read"});
    }
    return result;
  }

 private:
  std::string codec() const { return bits_ <= 8 ? "PCM_S8" : "PCM_" + std::to_string((bits_ + 7) / 8 * 8); }

  Error damaged(const std::string& what) const {
    return {ErrorCode::AUDIO_CORRUPT, name_ + " is a damaged FLAC recording: " + what};
  }

  /// The next frame that can be read.
  Status refill() override {
    while (pending_.empty()) {
      if (!FLAC__stream_decoder_process_single(decoder_)) {
        if (out_of_memory_) return Error{ErrorCode::OUT_OF_MEMORY, "memory ran out while decoding FLAC"};
        // The same stream has begun to say something else about itself.
        if (changed_) return damaged("its number of channels or bits changes midway");
        return ok();
      }
      const auto state = FLAC__stream_decoder_get_state(decoder_);
      if (pending_.empty() &&
          (state == FLAC__STREAM_DECODER_END_OF_STREAM || state >= FLAC__STREAM_DECODER_OGG_ERROR)) {
        return ok();
      }
    }
    return ok();
  }

  static FlacReader& self(void* user) { return *static_cast<FlacReader*>(user); }

  static FLAC__StreamDecoderReadStatus on_read(const FLAC__StreamDecoder*, FLAC__byte* to, std::size_t* count,
                                               void* user) {
    FlacReader& reader = self(user);
    if (reader.head_given_ < reader.head_size_) {
      *count = std::min(*count, reader.head_size_ - reader.head_given_);
      std::copy_n(reader.head_.begin() + static_cast<long>(reader.head_given_), *count, to);
      reader.head_given_ += *count;
      return FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
    }
    *count = reader.bytes_->read({to, *count});
    return *count == 0 ? FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM : FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
  }

  static FLAC__StreamDecoderWriteStatus on_write(const FLAC__StreamDecoder*, const FLAC__Frame* frame,
                                                 const FLAC__int32* const channels[], void* user) {
    FlacReader& reader = self(user);
    const FLAC__FrameHeader& header = frame->header;
    if (header.channels != static_cast<unsigned>(reader.info_.channels) ||
        header.bits_per_sample != static_cast<unsigned>(reader.bits_)) {
      reader.changed_ = true;
      return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    }
    try {
      const float scale = std::ldexp(1.0F, 1 - reader.bits_);
      reader.pending_.resize(static_cast<std::size_t>(header.blocksize) * header.channels);
      for (unsigned c = 0; c < header.channels; ++c) {
        float* to = reader.pending_.data() + c;
        for (unsigned i = 0; i < header.blocksize; ++i, to += header.channels) {
          *to = static_cast<float>(channels[c][i]) * scale;
        }
      }
    } catch (const std::bad_alloc&) {
      reader.out_of_memory_ = true;
      return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    }
    reader.note_frame(header);
    return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
  }

  void note_frame(const FLAC__FrameHeader& header) {
    between_ += std::exchange(broken_, 0);
    if (header.number_type == FLAC__FRAME_NUMBER_TYPE_SAMPLE_NUMBER) {
      const std::uint64_t at = header.number.sample_number;
      // A stream that was cut out of a longer one begins in its middle.
      if (read_ > 0 && between_ > counted_ && at > next_) lost_ += at - next_;
      counted_ = between_;
      next_ = at + header.blocksize;
    }
    read_ += header.blocksize;
  }

  static void on_error(const FLAC__StreamDecoder*, FLAC__StreamDecoderErrorStatus, void* user) { ++self(user).broken_; }

  const std::unique_ptr<SequentialBytes> bytes_;
  const std::string name_;
  const std::string container_;
  std::array<std::uint8_t, kHead> head_{};
  std::size_t head_size_ = 0;
  std::size_t head_given_ = 0;
  FLAC__StreamDecoder* decoder_ = nullptr;
  StreamInfo info_;
  int bits_ = 0;
  bool changed_ = false;
  bool out_of_memory_ = false;
  std::uint64_t broken_ = 0;   ///< errors since the last frame
  std::uint64_t between_ = 0;  ///< errors between frames
  std::uint64_t counted_ = 0;  ///< of those, how many lost_ has looked at
  std::uint64_t lost_ = 0;     ///< samples that the frames' numbers pass over
  std::uint64_t next_ = 0;
  std::uint64_t read_ = 0;  ///< samples of a channel
};

}  // namespace

Result<std::unique_ptr<Reader>> open_flac(std::unique_ptr<SequentialBytes> bytes, const std::string& name,
                                          const std::string& container) {
  auto reader = std::make_unique<FlacReader>(std::move(bytes), name, container);
  if (auto opened = reader->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace timbre
