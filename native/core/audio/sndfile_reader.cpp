#include "audio/sndfile_reader.h"

#include <sndfile.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace timbre {

namespace {

/// libsndfile's name of a major format or a subtype is for people ("Signed 16 bit PCM"); these are for programs.
std::string format_name(int format) {
  const auto container = [&]() -> std::string {
    switch (format & SF_FORMAT_TYPEMASK) {
      case SF_FORMAT_WAV:
      case SF_FORMAT_WAVEX:
        return "WAV";
      case SF_FORMAT_AIFF:
        return "AIFF";
      case SF_FORMAT_AU:
        return "AU";
      case SF_FORMAT_W64:
        return "W64";
      case SF_FORMAT_RF64:
        return "RF64";
      case SF_FORMAT_FLAC:
        return "FLAC";
      case SF_FORMAT_CAF:
        return "CAF";
      case SF_FORMAT_OGG:
        return "OGG";
      case SF_FORMAT_MPEG:
        return "MP3";
      default:
        return "OTHER";
    }
  };
  const auto codec = [&]() -> std::string {
    switch (format & SF_FORMAT_SUBMASK) {
      case SF_FORMAT_PCM_S8:
        return "PCM_S8";
      case SF_FORMAT_PCM_U8:
        return "PCM_U8";
      case SF_FORMAT_PCM_16:
        return "PCM_16";
      case SF_FORMAT_PCM_24:
        return "PCM_24";
      case SF_FORMAT_PCM_32:
        return "PCM_32";
      case SF_FORMAT_FLOAT:
        return "FLOAT";
      case SF_FORMAT_DOUBLE:
        return "DOUBLE";
      case SF_FORMAT_ULAW:
        return "ULAW";
      case SF_FORMAT_ALAW:
        return "ALAW";
      case SF_FORMAT_IMA_ADPCM:
        return "IMA_ADPCM";
      case SF_FORMAT_MS_ADPCM:
        return "MS_ADPCM";
      case SF_FORMAT_GSM610:
        return "GSM610";
      case SF_FORMAT_VORBIS:
        return "VORBIS";
      case SF_FORMAT_OPUS:
        return "OPUS";
      case SF_FORMAT_MPEG_LAYER_I:
        return "LAYER_I";
      case SF_FORMAT_MPEG_LAYER_II:
        return "LAYER_II";
      case SF_FORMAT_MPEG_LAYER_III:
        return "LAYER_III";
      default:
        return "OTHER";
    }
  };
  return container() + "/" + codec();
}

Cursor& cursor(void* user) { return *static_cast<Cursor*>(user); }

sf_count_t io_length(void* user) { return static_cast<sf_count_t>(cursor(user).input.size()); }

sf_count_t io_seek(sf_count_t offset, int whence, void* user) { return cursor(user).seek(offset, whence); }

sf_count_t io_read(void* to, sf_count_t count, void* user) {
  if (count <= 0) return 0;
  return static_cast<sf_count_t>(cursor(user).read({static_cast<std::uint8_t*>(to), static_cast<std::size_t>(count)}));
}

sf_count_t io_write(const void*, sf_count_t, void*) { return 0; }

sf_count_t io_tell(void* user) { return static_cast<sf_count_t>(cursor(user).position); }

class SndfileReader final : public Reader {
 public:
  explicit SndfileReader(const Input& input) : cursor_{input} {}
  SndfileReader(const SndfileReader&) = delete;
  SndfileReader& operator=(const SndfileReader&) = delete;
  ~SndfileReader() override {
    if (file_) sf_close(file_);
  }

  Status open() {
    SF_VIRTUAL_IO io{io_length, io_seek, io_read, io_write, io_tell};
    SF_INFO header{};
    {
      // libsndfile keeps the reason of a failed open in globals, which every open writes.
      static std::mutex opening;
      const std::lock_guard lock(opening);
      file_ = sf_open_virtual(&io, SFM_READ, &header, &cursor_);
      if (!file_) {
        const int reason = sf_error(nullptr);
        const bool unknown = reason == SF_ERR_UNRECOGNISED_FORMAT || reason == SF_ERR_UNSUPPORTED_ENCODING;
        return Error{unknown ? ErrorCode::AUDIO_UNSUPPORTED : ErrorCode::AUDIO_CORRUPT,
                     cursor_.input.name() + " is damaged or no recording: " + sf_error_number(reason)};
      }
    }
    info_ = {header.samplerate, header.channels,
             header.frames > 0 && header.frames < SF_COUNT_MAX ? static_cast<std::uint64_t>(header.frames) : 0,
             format_name(header.format)};
    return ok();
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::size_t> read(std::span<float> interleaved) override {
    const auto channels = static_cast<std::size_t>(info_.channels);
    const sf_count_t got =
        sf_readf_float(file_, interleaved.data(), static_cast<sf_count_t>(interleaved.size() / channels));
    if (const int reason = sf_error(file_); reason != SF_ERR_NO_ERROR) {
      return Error{ErrorCode::AUDIO_CORRUPT, cursor_.input.name() + " is damaged: " + sf_error_number(reason)};
    }
    return static_cast<std::size_t>(std::max<sf_count_t>(got, 0));
  }

 private:
  Cursor cursor_;
  SNDFILE* file_ = nullptr;
  StreamInfo info_;
};

}  // namespace

Result<std::unique_ptr<Reader>> open_sndfile(const Input& input) {
  auto reader = std::make_unique<SndfileReader>(input);
  if (auto opened = reader->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

std::string sndfile_library() { return sf_version_string(); }

}  // namespace timbre
