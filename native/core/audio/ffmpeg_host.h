#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "audio/input.h"
#include "contain/child_process.h"
#include "support/result.h"

namespace timbre {

/// Says where the ffmpeg program may lie and where its libraries do, as PATH and LD_LIBRARY_PATH list folders. The host
/// reads its environment, the core does not; the first call counts, and without one there is no ffmpeg.
void look_for_ffmpeg(std::string_view path, std::string_view library_path);

/// Path of the ffmpeg program; empty when there is none.
const std::string& ffmpeg_program();

struct FfmpegRequest {
  std::string demuxer;
  std::string container;     ///< what the format and the errors begin with
  std::optional<int> track;  ///< none: the container's default
};

/// The ffmpeg program at work on one recording, audio in Matroska on stdout. Ended with its object. Used by one thread.
class FfmpegRun {
 public:
  FfmpegRun(const FfmpegRun&) = delete;
  FfmpegRun& operator=(const FfmpegRun&) = delete;
  virtual ~FfmpegRun() = default;

  ChildOutput& output() { return output_; }

  /// Waits about `patience` for its end. None while it runs.
  virtual std::optional<ChildEnd> wait(std::chrono::milliseconds patience) = 0;

 protected:
  explicit FfmpegRun(ChildOutput output) : output_(std::move(output)) {}

 private:
  ChildOutput output_;
};

/// Whoever starts ffmpeg: this process, or the one that a walled-in decoder answers to.
class FfmpegHost {
 public:
  virtual ~FfmpegHost() = default;

  /// Errors: AUDIO_UNSUPPORTED (no ffmpeg on the PATH), OVERLOADED, OUT_OF_MEMORY, INTERNAL.
  virtual Result<std::unique_ptr<FfmpegRun>> start(const Input& input, const FfmpegRequest& request,
                                                   double max_seconds) const = 0;
};

/// This process.
const FfmpegHost& local_ffmpeg();

/// Seconds of real and of processor time that ffmpeg has for a recording of at most `max_seconds`.
std::chrono::seconds ffmpeg_patience(double max_seconds);

/// Why ffmpeg cannot be had for a recording, which messages call `name`; none where it can.
std::optional<Error> without_ffmpeg(const std::string& name, const FfmpegRequest& request);

/// Starts the program behind its walls, on `file` from where it stands and on nothing else: no network, no other file,
/// no guessing of formats, no container and no decoder that is not in the table, bounded memory and time. Errors:
/// OVERLOADED, INTERNAL, those of without_ffmpeg().
Result<ChildProcess> start_ffmpeg(const std::string& name, int file, const FfmpegRequest& request, double max_seconds);

}  // namespace timbre
