#include "audio/ffmpeg_host.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <initializer_list>
#include <utility>
#include <vector>

#include "contain/walls.h"

namespace timbre {

namespace {

/// Address space; ffmpeg needs about 300 MB with all its libraries mapped.
constexpr std::uint64_t kMemory = 2ULL << 30;

/// The containers that ffmpeg is asked to open, whoever asks.
constexpr auto kDemuxers = std::to_array<std::string_view>(
    {"wav", "aiff", "au",  "caf", "flac", "ogg",    "amr", "mov", "matroska", "asf", "avi", "flv",
     "wv",  "tta",  "ape", "voc", "mpeg", "mpegts", "aac", "mp3", "loas",     "ac3", "eac3"});

/// The decoders that may be used, by every name that builds of ffmpeg have for them.
constexpr const char* kDecoders =
    "aac,aac_fixed,aac_latm,libfdk_aac,mp3,mp3float,mp3adufloat,mp3adu,mp2,mp2float,mp1,mp1float,ac3,ac3_fixed,eac3,"
    "opus,libopus,vorbis,libvorbis,flac,alac,speex,libspeex,amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,"
    "wmav1,wmav2,wmapro,wmavoice,wmalossless,wavpack,tta,ape,truespeech,nellymoser,gsm,gsm_ms,libgsm,libgsm_ms,"
    "g722,g726,g726le,g723_1,g729,ilbc,libilbc,qcelp,evrc,qdm2,mace3,mace6,"
    "adpcm_ima_wav,adpcm_ima_qt,adpcm_ms,adpcm_swf,adpcm_g722,adpcm_g726,adpcm_g726le,adpcm_sbpro_2,adpcm_sbpro_3,"
    "adpcm_sbpro_4,adpcm_ct,pcm_s8,pcm_u8,pcm_s16le,pcm_s16be,pcm_u16le,pcm_u16be,pcm_s24le,pcm_s24be,pcm_u24le,"
    "pcm_u24be,pcm_s32le,pcm_s32be,pcm_u32le,pcm_u32be,pcm_s64le,pcm_s64be,pcm_f16le,pcm_f24le,pcm_f32le,pcm_f32be,"
    "pcm_f64le,pcm_f64be,pcm_alaw,pcm_mulaw,pcm_bluray,pcm_dvd,pcm_s16le_planar,pcm_s16be_planar";

/// Demuxers that read back and forth. All others get their bytes from a pipe, which no name leads anywhere else from.
bool seeks(const std::string& demuxer) {
  static constexpr std::array<std::string_view, 7> kSeeking = {"mov", "avi", "ape", "wav", "aiff", "caf", "voc"};
  return std::find(kSeeking.begin(), kSeeking.end(), demuxer) != kSeeking.end();
}

struct Program {
  std::string path;
  std::vector<std::string> environment;  ///< the little that a program needs to find its libraries
  std::vector<std::string> libraries;    ///< folders that they may lie in besides the system's
};

/// Takes the first folder off a list.
std::string_view first_folder(std::string_view& list) {
  const std::string_view folder = list.substr(0, list.find(':'));
  list.remove_prefix(std::min(list.size(), folder.size() + 1));
  return folder;
}

Program find(std::string_view path, std::string_view library_path) {
  Program result;
  result.environment.push_back("PATH=" + std::string(path));
  if (!library_path.empty()) result.environment.push_back("LD_LIBRARY_PATH=" + std::string(library_path));
  while (!library_path.empty()) result.libraries.emplace_back(first_folder(library_path));
  while (!path.empty() && result.path.empty()) {
    const std::string_view folder = first_folder(path);
    const std::string candidate = std::string(folder) + "/ffmpeg";
    struct stat status {};
    if (folder.starts_with('/') && ::stat(candidate.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
        ::access(candidate.c_str(), X_OK) == 0) {
      result.path = candidate;
    }
  }
  return result;
}

std::atomic<const Program*> program = nullptr;

std::vector<std::string> arguments(const FfmpegRequest& request) {
  std::vector<std::string> all = {"-nostdin", "-nostats", "-hide_banner", "-loglevel", "repeat+level+info",
                                  "-threads", "1"};
  const auto add = [&](std::initializer_list<const char*> more) { all.insert(all.end(), more.begin(), more.end()); };
  // Time stamps stay as they are: their jumps tell what is missing.
  add({"-copyts", "-err_detect", "crccheck", "-codec_whitelist", kDecoders});
  all.insert(all.end(), {"-format_whitelist", request.demuxer});
  // The file is named by its descriptor: a name would be open to change, and to ffmpeg's own ideas of names. A
  // container that names other files gets none of them.
  if (request.demuxer == "mov") add({"-enable_drefs", "0"});
  add({"-protocol_whitelist", seeks(request.demuxer) ? "file" : "pipe"});
  all.insert(all.end(), {"-f", request.demuxer});
  add({"-i", seeks(request.demuxer) ? "file:/dev/fd/0" : "pipe:0"});
  // Without a choice of ours ffmpeg takes the track that the container marks as its default.
  if (request.track) all.insert(all.end(), {"-map", "0:a:" + std::to_string(*request.track)});
  add({"-vn", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-filter_threads", "1"});
  add({"-c:a", "pcm_f32le", "-f", "matroska", "pipe:1"});
  return all;
}

/// A run on this machine, of this process's own.
class LocalRun final : public FfmpegRun {
 public:
  explicit LocalRun(ChildProcess process) : FfmpegRun(std::move(process.output)), child_(std::move(process.child)) {}

  std::optional<ChildEnd> wait(std::chrono::milliseconds patience) override { return child_.wait(patience); }

 private:
  Child child_;
};

class LocalHost final : public FfmpegHost {
 public:
  Result<std::unique_ptr<FfmpegRun>> start(const Input& input, const FfmpegRequest& request,
                                           double max_seconds) const override {
    if (auto none = without_ffmpeg(input.name(), request)) return *std::move(none);
    auto file = input.hand_over();
    if (!file) return std::move(file).error();
    auto process = start_ffmpeg(input.name(), file.value().descriptor.get(), request, max_seconds);
    if (!process) return std::move(process).error();
    return std::unique_ptr<FfmpegRun>(std::make_unique<LocalRun>(std::move(process).value()));
  }
};

}  // namespace

void look_for_ffmpeg(std::string_view path, std::string_view library_path) {
  static const Program found = find(path, library_path);
  program = &found;
}

const std::string& ffmpeg_program() {
  static const std::string none;
  const Program* const known = program;
  return known ? known->path : none;
}

std::chrono::seconds ffmpeg_patience(double max_seconds) {
  return std::chrono::seconds(20 + static_cast<std::int64_t>(std::ceil(max_seconds / 10)));
}

const FfmpegHost& local_ffmpeg() {
  static const LocalHost host;
  return host;
}

std::optional<Error> without_ffmpeg(const std::string& name, const FfmpegRequest& request) {
  if (!ffmpeg_program().empty()) return std::nullopt;
  return Error{ErrorCode::AUDIO_UNSUPPORTED,
               name + " is a recording in " + request.container +
                   ", which needs ffmpeg, and there is none on the PATH; install ffmpeg (for example `apt-get install "
                   "ffmpeg`) and start again, or convert it to WAV, FLAC, Ogg, MP3 or AIFF"};
}

Result<ChildProcess> start_ffmpeg(const std::string& name, int file, const FfmpegRequest& request, double max_seconds) {
  if (auto none = without_ffmpeg(name, request)) return *std::move(none);
  if (std::ranges::find(kDemuxers, request.demuxer) == kDemuxers.end()) {
    return Error{ErrorCode::INTERNAL, "ffmpeg is not used for '" + request.demuxer + "'"};
  }
  const Program& ffmpeg = *program;
  const auto walls = Enclosure::around(ffmpeg.path, file, ffmpeg.libraries);
  if (!walls) return walls.error();
  const auto seconds = static_cast<std::uint64_t>(ffmpeg_patience(max_seconds).count());
  return ChildProcess::start(ffmpeg.path, arguments(request), ffmpeg.environment, file, {kMemory, seconds},
                             &walls.value());
}

}  // namespace timbre
