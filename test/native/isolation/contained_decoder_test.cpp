// A recording by way of a process of its own: the same samples and the same errors, whatever ends that process, and
// whatever it answers.
#include "isolation/contained_decoder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "audio/decode.h"
#include "audio/ffmpeg_host.h"
#include "isolation/shared_window.h"
#include "support/text.h"

namespace timbre {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr int kRate = 16000;
namespace fs = std::filesystem;

const bool looked = [] {
  const char* const path = std::getenv("PATH");
  const char* const libraries = std::getenv("LD_LIBRARY_PATH");
  look_for_ffmpeg(path ? path : "", libraries ? libraries : "");
  look_for_decoder(TIMBRE_DECODER, libraries ? libraries : "");
  return true;
}();

std::vector<std::uint8_t> content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A second of a tone, as WAV; a second channel has it in opposite phase.
std::vector<std::uint8_t> tone(double seconds = 1, std::uint32_t channels = 1) {
  std::vector<std::uint8_t> bytes;
  const auto number = [&](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  const auto text = [&](std::string_view words) { bytes.insert(bytes.end(), words.begin(), words.end()); };
  const auto frames = static_cast<std::uint32_t>(seconds * kRate);
  const std::uint32_t block = 2 * channels;
  text("RIFF"), number(36 + block * frames, 4), text("WAVEfmt "), number(16, 4), number(1, 2), number(channels, 2);
  number(kRate, 4), number(block * kRate, 4), number(block, 2), number(16, 2), text("data"), number(block * frames, 4);
  for (std::uint32_t i = 0; i < frames; ++i) {
    const double value = 8000 * std::sin(0.1 * i);
    for (std::uint32_t c = 0; c < channels; ++c) {
      number(static_cast<std::uint16_t>(static_cast<std::int16_t>(c == 0 ? value : -value)), 2);
    }
  }
  return bytes;
}

Result<Audio> by(ContainedDecoder& decoder, const AudioSource& source, const Interrupt& interrupt = kUninterrupted,
                 const AudioSelection& selection = {}) {
  AudioTimings timings;
  return decoder.decode(source, interrupt, timings, selection);
}

/// Everything that is known of a recording, on a line.
std::string described(const AudioInfo& info) {
  const auto optional = [](auto value) { return value ? text(static_cast<double>(*value)) : std::string("-"); };
  std::string line = info.format;
  for (const double number :
       {info.seconds, static_cast<double>(info.sample_rate), static_cast<double>(info.channels), info.clipped_share,
        static_cast<double>(info.channels_cancel), static_cast<double>(info.channels_alike),
        static_cast<double>(info.tracks), static_cast<double>(info.track)}) {
    line += " " + text(number);
  }
  return line + " " + optional(info.channel) + " " + std::string(name(info.completeness.shortfall)) + " " +
         optional(info.completeness.missing_seconds) + " " + info.completeness.what;
}

std::string described(const Result<Audio>& result) {
  if (result) return described(result.value().info);
  return std::string(name(result.error().code)) + ": " + result.error().message;
}

/// What a sink was told, of a recording that is streamed.
class Recorder : public SampleSink {
 public:
  void expect(double seconds) override { expected.push_back(seconds); }

  Status take(std::span<const float> block) override {
    ++blocks;
    largest = std::max(largest, block.size());
    samples.insert(samples.end(), block.begin(), block.end());
    return ok();
  }

  void restart() override {
    ++restarts;
    samples.clear();
  }

  std::vector<double> expected;
  std::vector<float> samples;
  std::size_t blocks = 0;
  std::size_t largest = 0;
  int restarts = 0;
};

Result<AudioInfo> streamed(ContainedDecoder& decoder, SampleSink& sink, const AudioSource& source,
                           const AudioLimits& limits = {}, const Interrupt& interrupt = kUninterrupted) {
  AudioTimings timings;
  return decoder.decode_into(sink, source, limits, interrupt, timings, {});
}

/// The same samples, and the same of everything else that is told, as without the walls.
void expect_same_stream(ContainedDecoder& decoder, const AudioSource& source, const std::string& what) {
  Recorder here;
  Recorder there;
  const auto expected = decode_into(here, source, kRate, {}, kUninterrupted);
  const auto given = streamed(decoder, there, source);
  const auto line = [](const Result<AudioInfo>& info) {
    return info ? described(info.value()) : std::string(name(info.error().code)) + ": " + info.error().message;
  };
  EXPECT_EQ(line(given), line(expected)) << what;
  EXPECT_EQ(there.expected, here.expected) << what;
  EXPECT_EQ(there.restarts, here.restarts) << what;
  ASSERT_EQ(there.samples.size(), here.samples.size()) << what;
  if (here.samples.empty()) return;
  EXPECT_EQ(std::memcmp(there.samples.data(), here.samples.data(), here.samples.size() * sizeof(float)), 0) << what;
}

void expect_same(const Result<Audio>& here, const Result<Audio>& there, const std::string& what) {
  EXPECT_EQ(described(there), described(here)) << what;
  if (!here || !there) return;
  const std::vector<float>& expected = here.value().samples;
  const std::vector<float>& given = there.value().samples;
  ASSERT_EQ(given.size(), expected.size()) << what;
  EXPECT_EQ(std::memcmp(given.data(), expected.data(), expected.size() * sizeof(float)), 0) << what;
}

std::size_t open_descriptors() {
  const fs::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// The decoders that are children of this process.
std::vector<pid_t> decoders() {
  std::vector<pid_t> found;
  for (const auto& thread : fs::directory_iterator("/proc/self/task")) {
    std::ifstream children(thread.path() / "children");
    for (pid_t child = 0; children >> child;) {
      std::string command;
      std::getline(std::ifstream("/proc/" + std::to_string(child) + "/comm") >> std::ws, command);
      if (command == "timbre-decoder") found.push_back(child);
    }
  }
  return found;
}

std::string status_of(pid_t process, const std::string& field) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return line.substr(line.find_first_not_of(" \t", field.size() + 1));
  }
  return {};
}

/// Ends a process, and waits until it has.
void end(pid_t process) {
  const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  ASSERT_TRUE(handle);
  ASSERT_EQ(::kill(process, SIGKILL), 0);
  pollfd ended{handle.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&ended, 1, 10'000), 1);
}

class ProgramTest : public ::testing::Test {
 protected:
  ContainedDecoder decoder_{AudioLimits{}, kRate};
};

TEST_F(ProgramTest, StandsBehindItsWalls) {
  const auto walls = decoder_.start();
  ASSERT_TRUE(walls) << walls.error().message;
  EXPECT_EQ(walls.value().files, possible_walls().files);
  EXPECT_EQ(walls.value().calls, possible_walls().calls);
  ASSERT_EQ(decoders().size(), 1U);
  const pid_t process = decoders().front();
  EXPECT_EQ(status_of(process, "NoNewPrivs"), "1");
  EXPECT_EQ(status_of(process, "Seccomp"), "2");
}

TEST_F(ProgramTest, HoldsItsConnectionAndNothingElse) {
  if (::geteuid() != 0) GTEST_SKIP() << "the process hides itself from its user: only root may look";
  ASSERT_TRUE(decoder_.start());
  const pid_t process = decoders().front();
  EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(process) + "/cwd"), "/");
  // Its connection and two that lead nowhere: the memory that it shares is mapped.
  std::vector<std::string> open;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(process) + "/fd")) {
    open.push_back(fs::read_symlink(entry.path()));
  }
  std::ranges::sort(open);
  EXPECT_THAT(open, testing::ElementsAre("/dev/null", "/dev/null", testing::StartsWith("socket:")));
  EXPECT_TRUE(content("/proc/" + std::to_string(process) + "/environ").empty());
}

TEST_F(ProgramTest, DecodesEveryFormatToTheSameSamplesAndErrors) {
  const fs::path corpus = fs::path(TIMBRE_FIXTURES) / ".." / "fuzz" / "corpus" / "decode";
  std::size_t count = 0;
  std::size_t failed = 0;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    const std::string path = entry.path();
    const AudioBytes bytes{content(path)};
    const auto here = decode(bytes, kRate, {}, kUninterrupted);
    expect_same(here, by(decoder_, bytes), path + " as bytes");
    expect_same(decode(AudioPath{path}, kRate, {}, kUninterrupted), by(decoder_, AudioPath{path}), path + " by path");
    const auto file = std::make_shared<const Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    expect_same(here, by(decoder_, AudioFile{file}), path + " by descriptor");
    const AudioSelection second{1, std::nullopt};
    expect_same(decode(bytes, kRate, {}, kUninterrupted, nullptr, second), by(decoder_, bytes, kUninterrupted, second),
                path + ", its second channel");
    ++count;
    failed += here ? 0 : 1;
  }
  EXPECT_GT(count, 30U);
  EXPECT_GT(failed, 3U);
  EXPECT_LT(failed, count / 2);
  EXPECT_EQ(decoders().size(), 1U);
}

TEST_F(ProgramTest, DecodesWhatFfmpegReadsOfRecordingsThatArePutTogetherAnew) {
  if (ffmpeg_program().empty()) GTEST_SKIP() << "there is no ffmpeg here";
  const fs::path corpus = fs::path(TIMBRE_FIXTURES) / ".." / "fuzz" / "corpus" / "decode";
  for (const char* name : {"m4a.m4a", "webm.webm", "aac.aac", "adpcm-ima.wav"}) {
    // Behind junk a recording is a part of what was sent.
    AudioBytes behind{std::vector<std::uint8_t>(300, 0)};
    const auto recording = content(corpus / name);
    behind.bytes.insert(behind.bytes.end(), recording.begin(), recording.end());
    expect_same(decode(behind, kRate, {}, kUninterrupted), by(decoder_, behind), name);
  }
}

TEST_F(ProgramTest, HandsOverRecordingsThatAreLongerThanTheWindow) {
  const AudioBytes bytes{tone(140)};
  ASSERT_GT(140U * kRate, 2 * SharedWindow::kSamples);
  expect_same(decode(bytes, kRate, {}, kUninterrupted), by(decoder_, bytes), "140 seconds");
}

TEST_F(ProgramTest, StreamsEveryFormatToTheSameSamplesAndErrors) {
  const fs::path corpus = fs::path(TIMBRE_FIXTURES) / ".." / "fuzz" / "corpus" / "decode";
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(corpus)) {
    const std::string path = entry.path();
    expect_same_stream(decoder_, AudioBytes{content(path)}, path + " as bytes");
    expect_same_stream(decoder_, AudioPath{path}, path + " by path");
    ++count;
  }
  EXPECT_GT(count, 30U);
  EXPECT_EQ(decoders().size(), 1U);
}

TEST_F(ProgramTest, StreamsARecordingOnceMoreWhoseChannelsCancelEachOther) {
  const AudioBytes opposite{tone(30, 2)};
  expect_same_stream(decoder_, opposite, "channels in opposite phase");
  Recorder sink;
  const auto info = streamed(decoder_, sink, opposite);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_TRUE(info.value().channels_cancel);
  EXPECT_EQ(sink.restarts, 1);
}

TEST_F(ProgramTest, HoldsABlockOfALongRecordingAtATime) {
  // An hour of zeros, as a file that takes no room: 230 MB as samples.
  constexpr double kSeconds = 3600;
  const fs::path path = fs::temp_directory_path() / ("timbre-hour-" + std::to_string(::getpid()) + ".wav");
  std::vector<std::uint8_t> head = tone(0);
  const auto bytes = static_cast<std::uint32_t>(2 * kSeconds * kRate);
  const std::uint32_t riff = bytes + 36;
  std::memcpy(head.data() + 4, &riff, sizeof(riff));
  std::memcpy(head.data() + 40, &bytes, sizeof(bytes));
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(head.data()), 44);
  fs::resize_file(path, 44 + bytes);
  /// Counts, and keeps nothing.
  class Counter final : public SampleSink {
   public:
    Status take(std::span<const float> block) override {
      count += block.size();
      largest = std::max(largest, block.size());
      return ok();
    }
    void restart() override { count = 0; }
    std::size_t count = 0;
    std::size_t largest = 0;
  };
  Counter sink;
  AudioLimits limits;
  limits.max_seconds = 4000;
  const auto info = streamed(decoder_, sink, AudioPath{path}, limits);
  fs::remove(path);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(sink.count, static_cast<std::size_t>(kSeconds * kRate));
  EXPECT_LE(sink.largest * sizeof(float), kMostStreamed);
  // In kB; the program with its libraries takes some 30 MB.
  EXPECT_LT(std::stoul(status_of(decoders().front(), "VmHWM")), 100'000UL);
  // What one call may be of, the next one need not.
  Recorder shorter;
  EXPECT_EQ(name(streamed(decoder_, shorter, AudioBytes{tone(400)}).error().code), "AUDIO_TOO_LONG");
}

/// Does something with the third block that comes.
class ThirdBlock final : public Recorder {
 public:
  explicit ThirdBlock(std::function<Status()> act) : act_(std::move(act)) {}

  Status take(std::span<const float> block) override {
    if (auto taken = Recorder::take(block); !taken) return taken;
    return blocks == 3 ? act_() : ok();
  }

 private:
  const std::function<Status()> act_;
};

TEST_F(ProgramTest, LosesTheOneStreamThatItIsKilledAt) {
  const AudioBytes bytes{tone(100)};
  ThirdBlock sink([] {
    end(decoders().front());
    return ok();
  });
  const auto lost = streamed(decoder_, sink, bytes);
  ASSERT_FALSE(lost);
  EXPECT_EQ(name(lost.error().code), "DECODER_FAILED");
  EXPECT_THAT(lost.error().message, HasSubstr("signal 9"));
  EXPECT_EQ(sink.blocks, 3U);
  expect_same_stream(decoder_, bytes, "after it");
}

TEST_F(ProgramTest, StopsAStreamWhenItIsToldTo) {
  const AudioBytes bytes{tone(100)};
  Interrupt interrupt;
  ThirdBlock cancelled([&] {
    interrupt.cancel(ErrorCode::ENGINE_CLOSED);
    return ok();
  });
  EXPECT_EQ(name(streamed(decoder_, cancelled, bytes, {}, interrupt).error().code), "ENGINE_CLOSED");
  EXPECT_EQ(cancelled.blocks, 3U);

  const Interrupt deadline(Clock::now() + 50ms);
  ThirdBlock late([&] {
    while (!deadline.stops()) {
    }
    return ok();
  });
  EXPECT_EQ(name(streamed(decoder_, late, bytes, {}, deadline).error().code), "DEADLINE_EXCEEDED");
  EXPECT_LE(late.blocks, 3U);
  expect_same_stream(decoder_, bytes, "after it");
}

TEST_F(ProgramTest, EndsAStreamWithTheErrorOfItsSink) {
  ThirdBlock full([] { return Status(Error{ErrorCode::INFERENCE_FAILED, "no more"}); });
  const auto refused = streamed(decoder_, full, AudioBytes{tone(100)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(name(refused.error().code), "INFERENCE_FAILED");
  EXPECT_EQ(refused.error().message, "no more");
  EXPECT_EQ(full.blocks, 3U);
  expect_same_stream(decoder_, AudioBytes{tone(10)}, "after it");
}

TEST_F(ProgramTest, ReadsNoSamplesThatNeedNoDecoder) {
  const AudioSamples samples{std::vector<float>(kRate, 0.25F), kRate};
  expect_same(decode(samples, kRate, {}, kUninterrupted), by(decoder_, samples), "samples");
  expect_same_stream(decoder_, samples, "samples");
  EXPECT_TRUE(decoders().empty());
}

TEST_F(ProgramTest, IsStartedAnewWhereItEndedWithNothingToDo) {
  const AudioBytes bytes{tone()};
  ASSERT_TRUE(by(decoder_, bytes));
  const pid_t first = decoders().front();
  end(first);
  const auto again = by(decoder_, bytes);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_NE(decoders().front(), first);
}

TEST_F(ProgramTest, LosesTheOneRecordingThatItIsKilledAt) {
  const AudioBytes bytes{tone()};
  ASSERT_TRUE(by(decoder_, bytes));
  const pid_t first = decoders().front();
  // Held in the middle: it is sent the recording and cannot answer.
  ASSERT_EQ(::kill(first, SIGSTOP), 0);
  /// Kills it once the recording has been sent, which is when the process first waits for an answer.
  class Killing final : public Interrupt {
   public:
    explicit Killing(pid_t process) : process_(process) {}
    bool stops() const noexcept override {
      if (++asked_ == 3) ::kill(process_, SIGKILL);
      return false;
    }

   private:
    const pid_t process_;
    mutable int asked_ = 0;
  };
  const auto lost = by(decoder_, bytes, Killing(first));
  ASSERT_FALSE(lost);
  EXPECT_EQ(name(lost.error().code), "DECODER_FAILED");
  EXPECT_THAT(lost.error().message, HasSubstr("signal 9"));
  EXPECT_TRUE(by(decoder_, bytes));
}

TEST_F(ProgramTest, StopsWhenItIsToldTo) {
  Interrupt cancelled;
  cancelled.cancel();
  EXPECT_EQ(name(by(decoder_, AudioBytes{tone()}, cancelled).error().code), "ABORTED");
  /// Stops after the recording has been sent.
  class Later final : public Interrupt {
   public:
    bool stops() const noexcept override { return ++asked_ > 2; }

   private:
    mutable int asked_ = 0;
  };
  ASSERT_TRUE(by(decoder_, AudioBytes{tone()}));
  ASSERT_EQ(::kill(decoders().front(), SIGSTOP), 0);
  const auto stopped = by(decoder_, AudioBytes{tone(200)}, Later());
  // A deadline that has not passed has nothing to say; whoever is stopped by a count is told so.
  ASSERT_FALSE(stopped);
  EXPECT_EQ(name(stopped.error().code), "DEADLINE_EXCEEDED");
  EXPECT_TRUE(by(decoder_, AudioBytes{tone()}));
}

TEST_F(ProgramTest, KeepsNoDescriptors) {
  const AudioBytes bytes{tone(0.2)};
  ASSERT_TRUE(by(decoder_, bytes));
  const std::size_t before = open_descriptors();
  const pid_t process = decoders().front();
  const auto of_decoder = [](pid_t one) {
    const fs::directory_iterator all("/proc/" + std::to_string(one) + "/fd");
    return std::distance(begin(all), end(all));
  };
  const auto decoders_before = of_decoder(process);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(by(decoder_, bytes));
  EXPECT_EQ(of_decoder(process), decoders_before);
  EXPECT_EQ(open_descriptors(), before);
  for (int i = 0; i < 10; ++i) {
    end(decoders().front());
    ASSERT_TRUE(by(decoder_, bytes));
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(decoders().size(), 1U);
}

TEST(ContainedDecoder, EndsItsProcess) {
  {
    ContainedDecoder decoder({}, kRate);
    ASSERT_TRUE(decoder.start());
    ASSERT_EQ(decoders().size(), 1U);
  }
  EXPECT_TRUE(decoders().empty());
}

TEST(ContainedDecoder, SaysThatDescriptorsRanOut) {
  // In a process of its own: a limit that was lowered cannot be raised again.
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::size_t before = open_descriptors();
    // Enough for the recording and the shared memory, and for no connection; looking takes one itself.
    const int next = ::dup(STDIN_FILENO);
    ::close(next);
    const auto most = static_cast<rlim_t>(next) + 2;
    const rlimit few{most, most};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0) ::_exit(2);
    ContainedDecoder decoder({}, kRate);
    const auto none = by(decoder, AudioBytes{tone()});
    if (none || none.error().code != ErrorCode::OVERLOADED) ::_exit(3);
    // Nothing that it was started with is left open.
    ::_exit(open_descriptors() == before ? 0 : 4);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// ------------------------------------------------------------------------------------------- a decoder that lies

/// A decoder on a thread of the test's, which does what it is told to with the first recording and decodes the others.
class Liar {
 public:
  using Act = std::function<void(Channel&, const SharedWindow&)>;

  explicit Liar(Act act) : act_(std::move(act)) {}
  Liar(const Liar&) = delete;
  Liar& operator=(const Liar&) = delete;
  ~Liar() {
    for (std::thread& thread : threads_) thread.join();
  }

  ContainedDecoder::Launch launch() {
    return [this]() -> Result<DecoderConnection> {
      auto ends = Channel::pair();
      if (!ends) return std::move(ends).error();
      threads_.emplace_back([this, first = threads_.empty(), theirs = std::move(ends.value().second)]() mutable {
        live(std::move(theirs), first);
      });
      return DecoderConnection{std::move(ends.value().first), std::nullopt};
    };
  }

  std::size_t launched() const { return threads_.size(); }

 private:
  static Message next(Channel& channel, std::size_t descriptors) {
    Message message;
    while (channel.receive(message, 100ms, descriptors) == Channel::Arrival::kNothing) {
    }
    return message;
  }

  void live(Channel channel, bool first) const {
    Message open = next(channel, 1);
    if (open.descriptors.size() != 1) return;
    auto window = SharedWindow::open(std::move(open.descriptors[0]));
    channel.send(MessageKind::kReady, to_message(Walls{true, true}));
    next(channel, 1);
    if (first) return act_(channel, window.value());
    const float sample = 0.5F;
    std::memcpy(window.value().bytes().data(), &sample, sizeof(sample));
    channel.send(MessageKind::kSamples, MessageWriter().number(sizeof(sample)).bytes());
    next(channel, 0);
    channel.send(MessageKind::kAudio, to_message(sound()));
    next(channel, 1);
  }

 public:
  /// What a decoder could say of a recording.
  static DecodedInfo sound() {
    DecodedInfo decoded;
    decoded.info.seconds = 1;
    decoded.info.sample_rate = kRate;
    decoded.info.channels = 1;
    decoded.info.format = "WAV/PCM_16";
    return decoded;
  }

  static void say(Channel& channel, const DecodedInfo& decoded, const SharedWindow& window) {
    const float sample = 0.5F;
    std::memcpy(window.bytes().data(), &sample, sizeof(sample));
    channel.send(MessageKind::kSamples, MessageWriter().number(sizeof(sample)).bytes());
    next(channel, 0);
    channel.send(MessageKind::kAudio, to_message(decoded));
    next(channel, 1);
  }

 private:
  const Act act_;
  std::vector<std::thread> threads_;
};

constexpr std::chrono::milliseconds kPatience{400};

struct Lie {
  const char* what;
  Liar::Act act;
};

MessageWriter number(std::uint64_t value) { return MessageWriter().number(value); }

Liar::Act saying(MessageKind kind, const std::vector<std::uint8_t>& body) {
  return [kind, body](Channel& channel, const SharedWindow&) {
    channel.send(kind, body);
    Message ignored;
    while (channel.receive(ignored, 100ms, 1) != Channel::Arrival::kClosed) {
    }
  };
}

Liar::Act changed(void (*change)(DecodedInfo&)) {
  return [change](Channel& channel, const SharedWindow& window) {
    DecodedInfo decoded = Liar::sound();
    change(decoded);
    Liar::say(channel, decoded, window);
  };
}

void send_raw(const Channel& channel, std::size_t bytes) {
  const std::vector<char> all(bytes, 9);
  EXPECT_EQ(::write(channel.descriptor(), all.data(), all.size()), static_cast<ssize_t>(bytes));
}

std::vector<Lie> lies() {
  const DecodedInfo sound = Liar::sound();
  std::vector<std::uint8_t> cut = to_message(sound);
  cut.pop_back();
  std::vector<std::uint8_t> longer = to_message(sound);
  longer.push_back(0);
  return {
      {"says nothing",
       [](Channel& channel, const SharedWindow&) {
         Message ignored;
         while (channel.receive(ignored, 100ms, 1) != Channel::Arrival::kClosed) {
         }
       }},
      {"goes away", [](Channel&, const SharedWindow&) {}},
      {"a kind of message that there is not", saying(static_cast<MessageKind>(200), {})},
      {"a message of the other side", saying(MessageKind::kDecode, {})},
      {"audio without samples", saying(MessageKind::kAudio, to_message(sound))},
      {"samples without a count", saying(MessageKind::kSamples, {})},
      {"more samples than the window holds", saying(MessageKind::kSamples, number(SharedWindow::kBytes + 4).bytes())},
      {"samples without number", saying(MessageKind::kSamples, number(~0ULL).bytes())},
      {"half a sample", saying(MessageKind::kSamples, number(6).bytes())},
      {"samples and more", saying(MessageKind::kSamples, number(4).number(4).bytes())},
      {"more samples than the recording may have",
       [](Channel& channel, const SharedWindow&) {
         Message taken;
         while (channel.send(MessageKind::kSamples, number(SharedWindow::kBytes).bytes())) {
           while (channel.receive(taken, 20ms, 0) == Channel::Arrival::kNothing) {
           }
           if (taken.kind != MessageKind::kTaken) return;
           taken.kind = MessageKind::kFailed;
         }
       }},
      {"a sample that is not finite",
       [](Channel& channel, const SharedWindow& window) {
         const float sample = std::numeric_limits<float>::quiet_NaN();
         std::memcpy(window.bytes().data(), &sample, sizeof(sample));
         channel.send(MessageKind::kSamples, number(sizeof(sample)).bytes());
         Message ignored;
         while (channel.receive(ignored, 100ms, 0) != Channel::Arrival::kClosed) {
         }
       }},
      {"a message that is too short", saying(MessageKind::kAudio, cut)},
      {"a message that is too long", saying(MessageKind::kAudio, longer)},
      {"a text longer than its message", saying(MessageKind::kFailed, number(3).number(1000).bytes())},
      {"an error that there is not", saying(MessageKind::kFailed, number(9999).text("").real(0).real(0).bytes())},
      {"an error of the model's",
       saying(MessageKind::kFailed, to_message(DecodingFault{{ErrorCode::NO_SPEECH, ""}, {}}))},
      {"that it was stopped", saying(MessageKind::kFailed, to_message(DecodingFault{{ErrorCode::ABORTED, ""}, {}}))},
      {"a time that is no time", saying(MessageKind::kFailed, number(3).text("").real(NAN).real(0).bytes())},
      {"the end of no ffmpeg", saying(MessageKind::kAskFfmpegEnd, number(1).bytes())},
      {"bytes for ffmpeg beyond the window", saying(MessageKind::kBytes, number(SharedWindow::kBytes + 1).bytes())},
      {"more bytes than the recording has",
       [](Channel& channel, const SharedWindow&) {
         Message taken;
         for (int i = 0; i < 4; ++i) {
           if (!channel.send(MessageKind::kBytes, number(SharedWindow::kBytes).bytes())) return;
           while (channel.receive(taken, 20ms, 0) == Channel::Arrival::kNothing) {
           }
         }
       }},
      {"a message longer than any", [](Channel& channel, const SharedWindow&) { send_raw(channel, kMostMessage + 1); }},
      {"an empty message", [](Channel& channel, const SharedWindow&) { send_raw(channel, 0); }},
      {"descriptors",
       [](Channel& channel, const SharedWindow&) {
         const std::array<int, 1> given{STDOUT_FILENO};
         channel.send(MessageKind::kSamples, number(0).bytes(), given);
       }},
      {"no channels", changed([](DecodedInfo& decoded) { decoded.info.channels = 0; })},
      {"a thousand channels", changed([](DecodedInfo& decoded) { decoded.info.channels = 1000; })},
      {"an hour", changed([](DecodedInfo& decoded) { decoded.info.seconds = 3600; })},
      {"seconds that are no number", changed([](DecodedInfo& decoded) { decoded.info.seconds = NAN; })},
      {"a rate that is not allowed", changed([](DecodedInfo& decoded) { decoded.info.sample_rate = 1; })},
      {"a share above one", changed([](DecodedInfo& decoded) { decoded.info.clipped_share = 2; })},
      {"missing seconds that are no number", changed([](DecodedInfo& decoded) {
         decoded.info.completeness = {Shortfall::kGaps, std::numeric_limits<double>::infinity(), "has gaps"};
       })},
      {"a shortfall that there is not",
       changed([](DecodedInfo& decoded) { decoded.info.completeness.shortfall = static_cast<Shortfall>(77); })},
  };
}

/// Lies that are some only of a recording that is not streamed.
std::vector<Lie> lies_of_whole() {
  std::vector<Lie> all = lies();
  all.push_back({"seconds of what is not streamed", saying(MessageKind::kExpected, MessageWriter().real(1).bytes())});
  all.push_back({"a second time of what is not streamed", saying(MessageKind::kRestart, {})});
  return all;
}

/// Sends messages as though they came one by one, and answers nothing.
Liar::Act saying_all(std::vector<std::pair<MessageKind, std::vector<std::uint8_t>>> messages) {
  return [messages = std::move(messages)](Channel& channel, const SharedWindow&) {
    for (const auto& [kind, body] : messages) channel.send(kind, body);
    Message ignored;
    while (channel.receive(ignored, 100ms, 1) != Channel::Arrival::kClosed) {
    }
  };
}

std::vector<Lie> lies_of_streams() {
  using enum MessageKind;
  const auto seconds = [](double value) { return MessageWriter().real(value).bytes(); };
  const auto samples = number(4).bytes();
  std::vector<Lie> all = lies();
  const std::vector<Lie> more = {
      {"a block that is too long", saying(kSamples, number(kMostStreamed + 4).bytes())},
      {"more seconds than a recording may have", saying(kExpected, seconds(AudioLimits{}.max_seconds + 1))},
      {"less than no seconds", saying(kExpected, seconds(-1))},
      {"seconds that are no number", saying(kExpected, seconds(NAN))},
      {"no seconds", saying(kExpected, {})},
      {"its length twice", saying_all({{kExpected, seconds(1)}, {kExpected, seconds(1)}})},
      {"its length after samples", saying_all({{kSamples, samples}, {kExpected, seconds(1)}})},
      {"a third time", saying_all({{kRestart, {}}, {kRestart, {}}})},
      {"a second time and more", saying(kRestart, number(1).bytes())},
      {"audio of which all samples are void",
       saying_all({{kSamples, samples}, {kRestart, {}}, {kAudio, to_message(Liar::sound())}})},
      {"more samples than the recording may have, block by block",
       [](Channel& channel, const SharedWindow&) {
         Message taken;
         while (channel.send(MessageKind::kSamples, number(kMostStreamed).bytes())) {
           while (channel.receive(taken, 20ms, 0) == Channel::Arrival::kNothing) {
           }
           if (taken.kind != MessageKind::kTaken) return;
           taken.kind = MessageKind::kFailed;
         }
       }},
  };
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// The samples of a recording, whole or streamed.
using Decode = std::function<Result<std::vector<float>>(ContainedDecoder&, const AudioSource&)>;

void expect_to_cost_one_recording(const std::vector<Lie>& told, const Decode& decode_by) {
  const std::size_t before = open_descriptors();
  for (const Lie& lie : told) {
    Liar liar(lie.act);
    ContainedDecoder decoder(AudioLimits{}, kRate, liar.launch(), kPatience);
    const auto lost = decode_by(decoder, AudioBytes{tone()});
    ASSERT_FALSE(lost) << lie.what;
    EXPECT_EQ(name(lost.error().code), "DECODER_FAILED") << lie.what << ": " << lost.error().message;
    EXPECT_THAT(lost.error().message, HasSubstr("the recording")) << lie.what;
    const auto next = decode_by(decoder, AudioBytes{tone()});
    ASSERT_TRUE(next) << lie.what << ": " << next.error().message;
    EXPECT_EQ(next.value(), std::vector<float>{0.5F});
    EXPECT_EQ(liar.launched(), 2U) << lie.what;
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(ADecoderThatLies, CostsItsRecordingAndNothingElse) {
  expect_to_cost_one_recording(lies_of_whole(), [](ContainedDecoder& decoder, const AudioSource& source) {
    auto audio = by(decoder, source);
    return audio ? Result(std::move(audio).value().samples) : Result<std::vector<float>>(std::move(audio).error());
  });
}

TEST(ADecoderThatLies, CostsItsStreamAndNothingElse) {
  expect_to_cost_one_recording(lies_of_streams(), [](ContainedDecoder& decoder, const AudioSource& source) {
    Recorder sink;
    auto info = streamed(decoder, sink, source);
    return info ? Result(sink.samples) : Result<std::vector<float>>(std::move(info).error());
  });
}

TEST(ADecoderThatWaits, HasAllOfItsTimeWhateverItsSinkTakes) {
  Liar liar([](Channel& channel, const SharedWindow& window) {
    Message taken;
    channel.send(MessageKind::kSamples, number(4).bytes());
    while (channel.receive(taken, 100ms, 0) == Channel::Arrival::kNothing) {
    }
    Liar::say(channel, Liar::sound(), window);
  });
  /// Works for longer than the decoder has.
  class Slow final : public SampleSink {
   public:
    Status take(std::span<const float>) override {
      const auto until = Clock::now() + kPatience + 100ms;
      while (Clock::now() < until) {
      }
      return ok();
    }
    void restart() override {}
  };
  ContainedDecoder decoder(AudioLimits{}, kRate, liar.launch(), kPatience);
  Slow sink;
  const auto info = streamed(decoder, sink, AudioBytes{tone()});
  ASSERT_TRUE(info) << info.error().message;
}

TEST(ADecoderThatLies, IsNotWaitedForBeyondADeadline) {
  Liar liar(lies().front().act);
  ContainedDecoder decoder(AudioLimits{}, kRate, liar.launch(), 1h);
  const auto late = by(decoder, AudioBytes{tone()}, Interrupt(Clock::now() + 100ms));
  ASSERT_FALSE(late);
  EXPECT_EQ(name(late.error().code), "DEADLINE_EXCEEDED");
}

TEST(ADecoderThatLies, GetsFfmpegForNothingButTheFormatsOfTheTable) {
  Message answer;
  Liar liar([&](Channel& channel, const SharedWindow& window) {
    MessageWriter question;
    question.number(1).text("concat").text("CONCAT").optional(std::nullopt);
    channel.send(MessageKind::kStartFfmpeg, question.bytes());
    while (channel.receive(answer, 100ms, 2) == Channel::Arrival::kNothing) {
    }
    Liar::say(channel, Liar::sound(), window);
  });
  {
    ContainedDecoder decoder(AudioLimits{}, kRate, liar.launch(), 10s);
    EXPECT_TRUE(by(decoder, AudioBytes{tone()}));
  }
  EXPECT_EQ(answer.kind, MessageKind::kNoFfmpeg);
  EXPECT_TRUE(answer.descriptors.empty());
}

TEST(ADecoderThatLies, WritesNoControlCharactersIntoAMessage) {
  Liar liar(
      saying(MessageKind::kFailed,
             to_message(DecodingFault{{ErrorCode::AUDIO_CORRUPT, "one\ntwo\x1B[31m" + std::string(100000, 'x')}, {}})));
  ContainedDecoder decoder(AudioLimits{}, kRate, liar.launch(), 10s);
  const auto fault = by(decoder, AudioBytes{tone()});
  ASSERT_FALSE(fault);
  EXPECT_EQ(name(fault.error().code), "AUDIO_CORRUPT");
  EXPECT_THAT(fault.error().message, HasSubstr("one?two?[31m"));
  EXPECT_LE(fault.error().message.size(), kMostText);
}

TEST(ADecoderThatIsNotThere, IsAnErrorOfItsOwn) {
  const auto code_of = [](ContainedDecoder::Launch launch) {
    ContainedDecoder decoder(AudioLimits{}, kRate, std::move(launch), 1s);
    const auto none = by(decoder, AudioBytes{tone()});
    return none ? std::string() : std::string(name(none.error().code)) + " " + none.error().message;
  };
  const auto ending = []() -> Result<DecoderConnection> {
    auto ends = Channel::pair();
    return DecoderConnection{std::move(ends.value().first), std::nullopt};
  };
  EXPECT_THAT(code_of(ending), testing::StartsWith("INTERNAL the program that decodes recordings cannot be used"));
  std::optional<Channel> theirs;
  const auto another = [&theirs]() -> Result<DecoderConnection> {
    auto ends = Channel::pair();
    theirs.emplace(std::move(ends.value().second));
    theirs->send(MessageKind::kReady, MessageWriter().number(kProtocol + 1).number(1).number(1).bytes());
    return DecoderConnection{std::move(ends.value().first), std::nullopt};
  };
  EXPECT_THAT(code_of(another), testing::StartsWith("INTERNAL "));
  const auto failing = []() -> Result<DecoderConnection> { return Error{ErrorCode::OVERLOADED, "full"}; };
  EXPECT_EQ(code_of(failing), "OVERLOADED full");
}

}  // namespace
}  // namespace timbre
