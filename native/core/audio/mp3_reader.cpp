#include "audio/mp3_reader.h"

#include <mpg123.h>
#include <sys/types.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace timbre {

namespace {

ssize_t io_read(void* user, void* to, std::size_t count) {
  return static_cast<ssize_t>(static_cast<Cursor*>(user)->read({static_cast<std::uint8_t*>(to), count}));
}

off_t io_seek(void* user, off_t offset, int whence) { return static_cast<Cursor*>(user)->seek(offset, whence); }

class Mp3Reader final : public Reader {
 public:
  Mp3Reader(const Input& input, std::string container) : cursor_{input}, container_(std::move(container)) {}
  ~Mp3Reader() override { mpg123_delete(handle_); }

  Status open() {
    int reason = MPG123_OK;
    handle_ = mpg123_new(nullptr, &reason);
    if (!handle_) return Error{ErrorCode::OUT_OF_MEMORY, "the MP3 decoder could not be made"};
    long rate = 0;
    int channels = 0;
    int encoding = 0;
    constexpr long kFlags = MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_GAPLESS | MPG123_SKIP_ID3V2;
    if (mpg123_param(handle_, MPG123_ADD_FLAGS, kFlags, 0) != MPG123_OK ||
        mpg123_param(handle_, MPG123_RVA, MPG123_RVA_OFF, 0) != MPG123_OK ||
        mpg123_param(handle_, MPG123_RESYNC_LIMIT, -1, 0) != MPG123_OK ||
        mpg123_replace_reader_handle(handle_, io_read, io_seek, nullptr) != MPG123_OK ||
        mpg123_open_handle(handle_, &cursor_) != MPG123_OK ||
        mpg123_getformat(handle_, &rate, &channels, &encoding) != MPG123_OK ||
        mpg123_format_none(handle_) != MPG123_OK ||
        mpg123_format(handle_, rate, channels, MPG123_ENC_FLOAT_32) != MPG123_OK) {
      return damaged();
    }
    info_ = {static_cast<int>(rate), channels, 0, container_};
    // Without a LAME or Xing header the length is a guess from the first frame's bit rate.
    mpg123_frameinfo frame{};
    if (has_length() && mpg123_length(handle_) > 0) info_.frames = static_cast<std::uint64_t>(mpg123_length(handle_));
    if (mpg123_info(handle_, &frame) == MPG123_OK)
      info_.format += "/LAYER_" + std::string(static_cast<std::size_t>(std::clamp(frame.layer, 1, 3)), 'I');
    return ok();
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::size_t> read(std::span<float> interleaved) override {
    const std::size_t frame = sizeof(float) * static_cast<std::size_t>(info_.channels);
    const std::size_t wanted = interleaved.size_bytes() / frame * frame;
    std::size_t filled = 0;
    while (filled < wanted) {
      std::size_t got = 0;
      const int status =
          mpg123_read(handle_, reinterpret_cast<unsigned char*>(interleaved.data()) + filled, wanted - filled, &got);
      filled += got;
      if (status == MPG123_DONE) break;
      // Frames of another kind are a recording of their own; one that is left is damage.
      const bool changed = status == MPG123_NEW_FORMAT && read_ + filled > 0;
      if (changed || (status != MPG123_OK && status != MPG123_NEW_FORMAT)) {
        if (read_ + filled == 0) return damaged();
        broken_ = true;
        break;
      }
    }
    read_ += filled;
    return filled / frame;
  }

  Completeness completeness() const override {
    if (!broken_) return {};
    return {Shortfall::kDamaged, std::nullopt, "is damaged: its frames cannot be decoded from here on"};
  }

 private:
  Error damaged() const {
    return {ErrorCode::AUDIO_CORRUPT,
            cursor_.input.name() + " is a damaged MP3 recording: " + mpg123_strerror(handle_)};
  }

  /// Whether the first frame is a LAME or Xing header.
  bool has_length() const {
    std::array<std::uint8_t, 64> bytes{};
    const std::size_t got = cursor_.input.read(0, bytes);
    const std::string_view head(reinterpret_cast<const char*>(bytes.data()), got);
    return head.find("Xing") != head.npos || head.find("Info") != head.npos || head.find("VBRI") != head.npos;
  }

  Cursor cursor_;
  const std::string container_;
  std::uint64_t read_ = 0;  ///< bytes of samples
  bool broken_ = false;
  mpg123_handle* handle_ = nullptr;
  StreamInfo info_;
};

}  // namespace

Result<std::unique_ptr<Reader>> open_mp3(const Input& input, const std::string& container) {
  auto reader = std::make_unique<Mp3Reader>(input, container);
  if (auto opened = reader->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace timbre
