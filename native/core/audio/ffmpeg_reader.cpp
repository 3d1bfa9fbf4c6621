#include "audio/ffmpeg_reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "audio/ffmpeg_log.h"
#include "audio/matroska_stream.h"
#include "audio/tracks.h"
#include "contain/child_process.h"
#include "contain/walls.h"
#include "support/descriptor.h"
#include "support/text.h"

namespace timbre {

namespace {

using namespace std::chrono_literals;

/// How often a wait for ffmpeg looks at the interrupt.
constexpr std::chrono::milliseconds kGlance = 20ms;
/// Address space; ffmpeg needs about 300 MB with all its libraries mapped.
constexpr std::uint64_t kMemory = 2ULL << 30;
/// Shorter jumps of the time stamps are the jitter of recorders that store when audio came in.
constexpr double kShortestGap = 0.1;
/// Headers round, and count the delay of codecs.
constexpr double kShortestCut = 0.3;
/// How far clocks of recorders and of sound cards go apart, as a share.
constexpr double kClockDrift = 0.005;

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

/// A recording as a file without a name, so that ffmpeg can seek in it.
Result<Descriptor> file_of(const Input& input) {
  Descriptor file(::memfd_create("timbre-recording", MFD_CLOEXEC));
  const auto failed = [] {
    return Error{ErrorCode::OUT_OF_MEMORY,
                 std::string("the recording could not be handed to ffmpeg (") + std::strerror(errno) + ")"};
  };
  if (file.get() < 0) return failed();
  std::vector<std::uint8_t> block(1 << 18);
  for (std::uint64_t offset = 0; offset < input.size();) {
    const std::size_t got = input.read(offset, block);
    if (got == 0) break;
    for (auto rest = std::span<const std::uint8_t>(block).first(got); !rest.empty();) {
      const ssize_t written = ::write(file.get(), rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return failed();
      rest = rest.subspan(static_cast<std::size_t>(written));
    }
    offset += got;
  }
  if (::lseek(file.get(), 0, SEEK_SET) < 0) return failed();
  return file;
}

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

/// Containers that store when their audio was recorded. The stamps of the others are what ffmpeg makes of positions.
bool has_time_stamps(const std::string& demuxer) {
  static constexpr std::array<std::string_view, 7> kStamped = {"mov",    "matroska", "asf", "flv",
                                                               "mpegts", "mpeg",     "ogg"};
  return std::find(kStamped.begin(), kStamped.end(), demuxer) != kStamped.end();
}

/// Reads ffmpeg's output.
class FfmpegReader final : public Reader {
 public:
  FfmpegReader(std::string name, FfmpegRequest request, ChildProcess child, std::chrono::seconds patience,
               const Interrupt& interrupt)
      : name_(std::move(name)),
        request_(std::move(request)),
        child_(std::move(child)),
        patience_(patience),
        interrupt_(interrupt),
        log_(request_.demuxer) {}

  Status open() {
    if (auto filled = fill([&] { return stream_.size() > 0; }); !filled) return filled;
    info_.sample_rate = stream_.sample_rate();
    info_.channels = stream_.channels();
    if (stream_.size() == 0) return verdict();
    return ok();
  }

  const StreamInfo& info() const override { return info_; }

  Result<std::size_t> read(std::span<float> interleaved) override {
    const auto channels = static_cast<std::size_t>(info_.channels);
    const std::size_t wanted = interleaved.size() / channels * channels;
    if (auto filled = fill([&] { return stream_.size() >= wanted; }); !filled) return filled.error();
    note_jumps();
    if (const std::size_t silence = due_silence(); silence > 0) {
      const std::size_t frames = std::min(silence, wanted / channels);
      std::fill_n(interleaved.begin(), frames * channels, 0.0F);
      silence_.front().frames -= frames;
      if (silence_.front().frames == 0) silence_.pop_front();
      return frames;
    }
    // Up to the next silence.
    std::size_t most = wanted / channels;
    if (!silence_.empty()) most = std::min<std::size_t>(most, silence_.front().at - read_);
    const std::size_t frames = stream_.take(interleaved.first(most * channels)) / channels;
    read_ += frames;
    if (frames == 0) {
      if (auto end = verdict(); !end) return end.error();
    }
    return frames;
  }

  Completeness completeness() const override {
    Completeness result;
    // What AMR leaves out in pauses looks like damage to decoders without comfort noise.
    if (!leaves_pauses_out()) {
      result = log_.completeness();
      const double drift = has_time_stamps(request_.demuxer) ? stream_.drift() - missing_ : 0;
      const double seconds = static_cast<double>(read_) / info_.sample_rate;
      const double missing = missing_ + (drift > kShortestGap + kClockDrift * seconds ? drift : 0);
      if (missing > 0) {
        const bool told = !result.complete();
        result.add({Shortfall::kGaps, missing, "has gaps: its time stamps pass over " + seconds_text(missing)});
        if (told) result.missing_seconds = missing;
      }
      const std::optional<double> declared = log_.declared_seconds();
      if (declared && has_time_stamps(request_.demuxer) && seconds + missing + kShortestCut < *declared) {
        const double cut = *declared - seconds - missing;
        result.add({Shortfall::kTruncated, cut,
                    "is truncated: its header declares " + seconds_text(*declared) + " of audio, " +
                        seconds_text(seconds) + " are there"});
        result.missing_seconds = cut + missing;
      }
    }
    return result;
  }

 private:
  struct Silence {
    std::uint64_t at = 0;  ///< the number of the frame that it stands in front of
    std::size_t frames = 0;
  };

  bool leaves_pauses_out() const { return info_.format.find("/AMR") != info_.format.npos; }

  void note_jumps() {
    name_format();
    constexpr double kLongestPause = 3600;
    for (const MatroskaStream::Jump& jump : stream_.take_jumps()) {
      if (leaves_pauses_out()) {
        const double seconds = std::min(jump.seconds, kLongestPause);
        silence_.push_back({jump.frame, static_cast<std::size_t>(std::lround(seconds * info_.sample_rate))});
      } else if (jump.seconds >= kShortestGap && has_time_stamps(request_.demuxer)) {
        missing_ += jump.seconds;
      }
    }
  }

  std::size_t due_silence() const {
    return !silence_.empty() && silence_.front().at <= read_ ? silence_.front().frames : 0;
  }

  /// Once ffmpeg has said what it reads.
  void name_format() {
    log_.add(child_.take_said());
    if (log_.tracks() == 0) return;
    info_.format = request_.container + "/" + log_.codec();
    info_.tracks = log_.tracks();
    info_.track = request_.track.value_or(log_.track());
  }

  /// Reads until it is enough, or no more comes.
  template <typename Enough>
  Status fill(Enough enough) {
    std::array<std::uint8_t, 1 << 16> block;
    while (!enough() && !child_.ended()) {
      if (auto stop = interrupt_.check()) return *stop;
      if (Clock::now() - started_ > patience_) return too_slow();
      const std::size_t got = child_.read(block, kGlance);
      stream_.add(std::span(block).first(got));
      log_.add(child_.take_said());
      if (!stream_.sound()) {
        return Error{ErrorCode::INTERNAL, "ffmpeg answered with something else than audio for " + name_};
      }
    }
    return ok();
  }

  Error too_slow() const {
    return {ErrorCode::AUDIO_CORRUPT, "ffmpeg did not finish " + name_ + " within " +
                                          std::to_string(patience_.count()) + " s; convert it to WAV or FLAC"};
  }

  /// How it ended, once stdout is closed. What it could not decode is told by completeness() where there is anything.
  Status verdict() {
    std::optional<ChildEnd> end;
    while (!(end = child_.wait(kGlance))) {
      if (auto stop = interrupt_.check()) return *stop;
      if (Clock::now() - started_ > patience_) return too_slow();
    }
    log_.end();
    name_format();
    if (end->kind == ChildEnd::Kind::kUnknown) {
      return Error{ErrorCode::INTERNAL, "whether ffmpeg read all of " + name_ +
                                            " is not known: this process ignores SIGCHLD, or takes the status of "
                                            "children that are not its own"};
    }
    if (read_ > 0) {
      if (end->success()) return ok();
      // It gives up where nearly nothing can be decoded, or was ended by a limit.
      return Error{ErrorCode::AUDIO_CORRUPT,
                   name_ + " (" + request_.container + ") is damaged: ffmpeg " + reason(*end)};
    }
    if (request_.track && *request_.track >= log_.tracks() && log_.tracks() > 0) {
      return no_such_track(name_, *request_.track, log_.tracks());
    }
    if (log_.says("matches no streams") || log_.says("does not contain any stream") ||
        (log_.tracks() == 0 && log_.says("Invalid argument"))) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, name_ + " (" + request_.container + ") holds no audio track"};
    }
    if (log_.tracks() > 0 && (log_.says("not on whitelist") || log_.says("Decoder (codec") ||
                              log_.says("Unknown decoder") || log_.says("Decoding requested, but no decoder"))) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, name_ + " (" + request_.container + ") is in the codec " +
                                                     log_.codec() +
                                                     ", which is not read here; convert it to WAV, FLAC, Ogg or MP3"};
    }
    if (log_.says("Unknown input format")) {
      return Error{ErrorCode::AUDIO_UNSUPPORTED, name_ + " is " + request_.container +
                                                     ", which this ffmpeg does not read; convert it to WAV or FLAC"};
    }
    if (end->success() && log_.last_error().empty()) {
      return Error{ErrorCode::AUDIO_CORRUPT, name_ + " (" + request_.container + ") holds no audio (0 samples)"};
    }
    return Error{ErrorCode::AUDIO_CORRUPT, name_ + " (" + request_.container + ") is damaged: ffmpeg " + reason(*end)};
  }

  std::string reason(const ChildEnd& end) const {
    if (end.kind == ChildEnd::Kind::kSignal) return "was ended by signal " + std::to_string(end.value);
    if (!log_.last_error().empty()) return "says \"" + log_.last_error() + "\"";
    return "ended with status " + std::to_string(end.value);
  }

  const std::string name_;
  const FfmpegRequest request_;
  ChildProcess child_;
  const std::chrono::seconds patience_;
  const Interrupt& interrupt_;
  const Clock::time_point started_ = Clock::now();
  MatroskaStream stream_;
  FfmpegLog log_;
  StreamInfo info_;
  std::deque<Silence> silence_;
  double missing_ = 0;  ///< seconds that the time stamps pass over
  std::uint64_t read_ = 0;
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

Result<std::unique_ptr<Reader>> open_ffmpeg(const Input& input, const FfmpegRequest& request, double max_seconds,
                                            const Interrupt& interrupt) {
  if (ffmpeg_program().empty()) {
    return Error{ErrorCode::AUDIO_UNSUPPORTED,
                 input.name() + " is a recording in " + request.container +
                     ", which needs ffmpeg, and there is none on the PATH; install ffmpeg (for example `apt-get "
                     "install ffmpeg`) and start again, or convert it to WAV, FLAC, Ogg, MP3 or AIFF"};
  }
  // Opened anew: the child reads where its descriptor stands, and others may read by that of the input.
  Descriptor file;
  if (input.descriptor() >= 0) {
    file.reset(::open(("/proc/self/fd/" + std::to_string(input.descriptor())).c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!file) {
    auto made = file_of(input);
    if (!made) return std::move(made).error();
    file = std::move(made).value();
  }
  const std::chrono::seconds patience(20 + static_cast<std::int64_t>(std::ceil(max_seconds / 10)));
  const Program& ffmpeg = *program;
  const auto walls = Enclosure::around(ffmpeg.path, file.get(), ffmpeg.libraries);
  if (!walls) return walls.error();
  auto child = ChildProcess::start(ffmpeg.path, arguments(request), ffmpeg.environment, file.get(),
                                   {kMemory, static_cast<std::uint64_t>(patience.count())}, &walls.value());
  if (!child) return std::move(child).error();
  auto reader = std::make_unique<FfmpegReader>(input.name(), request, std::move(child).value(), patience, interrupt);
  if (auto opened = reader->open(); !opened) return std::move(opened).error();
  return std::unique_ptr<Reader>(std::move(reader));
}

}  // namespace timbre
