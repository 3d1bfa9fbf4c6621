#include "audio/sndfile_reader.h"

#include <sndfile.h>

#include <algorithm>
#include <mutex>
#include <utility>

namespace timbre {

namespace {

/// libsndfile's name of a subtype is for people ("Signed 16 bit PCM"); these are for programs.
std::string codec_name(int format) {
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
    case SF_FORMAT_G721_32:
      return "G721";
    case SF_FORMAT_G723_24:
    case SF_FORMAT_G723_40:
      return "G723";
    case SF_FORMAT_ALAC_16:
      return "ALAC_16";
    case SF_FORMAT_ALAC_20:
      return "ALAC_20";
    case SF_FORMAT_ALAC_24:
      return "ALAC_24";
    case SF_FORMAT_ALAC_32:
      return "ALAC_32";
    default:
      return "OTHER";
  }
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
  SndfileReader(const Input& input, std::string container) : cursor_{input}, container_(std::move(container)) {}
  ~SndfileReader() override {
    if (file_) sf_close(file_);
  }

  Status open() {
    SF_VIRTUAL_IO io{io_length, io_seek, io_read, io_write, io_tell};
    SF_INFO header{};
    {
      // libsndfile keeps what went wrong in globals, which every open writes. The header lies in memory: nobody waits
      // for a disk here.
      static std::mutex opening;
      const std::lock_guard lock(opening);
      file_ = sf_open_virtual(&io, SFM_READ, &header, &cursor_);
      if (!file_) {
        return Error{ErrorCode::AUDIO_CORRUPT,
                     cursor_.input.name() + " (" + container_ + ") is damaged: its header cannot be read"};
      }
    }
    info_ = {header.samplerate, header.channels,
             header.frames > 0 && header.frames < SF_COUNT_MAX ? static_cast<std::uint64_t>(header.frames) : 0,
             container_ + "/" + codec_name(header.format)};
    return ok();
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::size_t> read(std::span<float> interleaved) override {
    const auto channels = static_cast<std::size_t>(info_.channels);
    const sf_count_t got =
        sf_readf_float(file_, interleaved.data(), static_cast<sf_count_t>(interleaved.size() / channels));
    if (sf_error(file_) != SF_ERR_NO_ERROR) broken_ = true;
    return static_cast<std::size_t>(std::max<sf_count_t>(got, 0));
  }

  Completeness completeness() const override {
    if (!broken_) return {};
    return {Shortfall::kDamaged, std::nullopt, "is damaged: a part of it cannot be decoded"};
  }

 private:
  Cursor cursor_;
  const std::string container_;
  bool broken_ = false;
  SNDFILE* file_ = nullptr;
  StreamInfo info_;
};

}  // namespace

Result<std::unique_ptr<Reader>> open_sndfile(const Input& input, const std::string& container) {
  auto reader = std::make_unique<SndfileReader>(input, container);
  if (auto opened = reader->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

std::string sndfile_library() { return sf_version_string(); }

}  // namespace timbre
