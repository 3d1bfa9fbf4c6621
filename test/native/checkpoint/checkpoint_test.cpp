#include "checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/stat.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <new>
#include <random>
#include <sstream>

#include "checkpoint_writer.h"

namespace {

// Bytes that this program holds and has held at most, to see that a file cannot ask for more than it deserves.
std::atomic<std::size_t> live_bytes{0};
std::atomic<std::size_t> peak_bytes{0};

}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  const std::size_t now = live_bytes += malloc_usable_size(memory);
  if (now > peak_bytes) {
    peak_bytes = now;
  }
  return memory;
}

void operator delete(void* memory) noexcept {
  live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace timbre::checkpoint {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::NamedTensor;
using testing::PickleWriter;
using testing::raw_bytes;
using testing::write_checkpoint;
using testing::ZipWriter;

Result<Checkpoint> read(const std::string& bytes) {
  return Checkpoint::read_from(archive::ByteSource(std::make_unique<std::istringstream>(bytes)));
}

/// An archive with this pickle and storage 0 of four float32, 1 to 4.
std::string archive(const std::string& pickle, const ZipWriter::Lies& lies = {}) {
  ZipWriter zip;
  zip.add("archive/data.pkl", pickle, lies);
  zip.add("archive/data/0", raw_bytes<float>({1, 2, 3, 4}), lies);
  return zip.finish();
}

struct View {
  std::int64_t elements = 4;
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape = {2, 2};
  std::vector<std::int64_t> strides = {2, 1};
};

PickleWriter& add(PickleWriter& pickle, const std::string& name, const View& view = {}) {
  return pickle.text(name).tensor("FloatStorage", "0", view.elements, view.offset, view.shape, view.strides).raw("s");
}

std::string one_tensor(const View& view = {}) {
  PickleWriter pickle;
  pickle.raw("}");
  return add(pickle, "weight", view).finish();
}

void expect_invalid(const Result<Checkpoint>& checkpoint, const std::string& message) {
  ASSERT_FALSE(checkpoint.ok());
  EXPECT_EQ(checkpoint.error().code, ErrorCode::MODEL_INVALID);
  EXPECT_THAT(checkpoint.error().message, HasSubstr(message));
}

std::vector<float> values(const Result<Checkpoint>& checkpoint, std::size_t index = 0) {
  auto read = checkpoint.value().read(checkpoint.value().tensors()[index]);
  EXPECT_TRUE(read.ok()) << read.error().message;
  return read.ok() ? std::move(read).value() : std::vector<float>{};
}

TEST(Checkpoint, ReadsTheStateDictOfATorchModule) {
  const NamedTensor tensors[] = {{"conv.weight", {2, 1, 3}, {1, 2, 3, 4, 5, -6}}, {"conv.bias", {2}, {0.5F, 0.25F}}};
  const auto checkpoint = read(write_checkpoint(tensors));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  ASSERT_EQ(checkpoint.value().tensors().size(), 2U);
  EXPECT_EQ(checkpoint.value().tensors()[0].name, "conv.weight");
  EXPECT_THAT(checkpoint.value().tensors()[0].shape, ElementsAre(2, 1, 3));
  EXPECT_THAT(values(checkpoint, 0), ElementsAre(1, 2, 3, 4, 5, -6));
  EXPECT_THAT(values(checkpoint, 1), ElementsAre(0.5F, 0.25F));
  EXPECT_THAT(checkpoint.value().notes(), IsEmpty());
}

TEST(Checkpoint, ReadsWhatPyTorchWrote) {
  const auto checkpoint = Checkpoint::open(TIMBRE_FIXTURES "/checkpoints/speechbrain-c16.ckpt");
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint.value().tensors().size(), 231U);
  EXPECT_EQ(checkpoint.value().tensors()[0].name, "blocks.0.conv.conv.weight");
  EXPECT_THAT(checkpoint.value().tensors()[0].shape, ElementsAre(16, 80, 5));
  EXPECT_EQ(checkpoint.value().tensors()[6].name, "blocks.0.norm.norm.num_batches_tracked");
  EXPECT_EQ(checkpoint.value().tensors()[6].type, archive::ElementType::int64);
}

TEST(Checkpoint, FollowsOffsetAndStridesOfAView) {
  const auto transposed = read(archive(one_tensor({4, 0, {2, 2}, {1, 2}})));
  ASSERT_TRUE(transposed.ok()) << transposed.error().message;
  EXPECT_THAT(values(transposed), ElementsAre(1, 3, 2, 4));
  const auto column = read(archive(one_tensor({4, 1, {2}, {2}})));
  ASSERT_TRUE(column.ok()) << column.error().message;
  EXPECT_THAT(values(column), ElementsAre(2, 4));
}

TEST(Checkpoint, AllowsAnyStrideWhereNoStepIsTaken) {
  const auto checkpoint =
      read(archive(one_tensor({4, 0, {1, 4, 1}, {std::numeric_limits<std::int64_t>::max(), 1, -7}})));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_THAT(values(checkpoint), ElementsAre(1, 2, 3, 4));
}

TEST(Checkpoint, WidensHalfAndBfloat16AndRoundsDouble) {
  ZipWriter zip;
  PickleWriter pickle;
  const std::int64_t shape[] = {3};
  const std::int64_t strides[] = {1};
  pickle.raw("}");
  pickle.text("half").tensor("HalfStorage", "0", 3, 0, shape, strides).raw("s");
  pickle.text("brain").tensor("BFloat16Storage", "1", 3, 0, shape, strides).raw("s");
  pickle.text("double").tensor("DoubleStorage", "2", 3, 0, shape, strides).raw("s");
  zip.add("a/data.pkl", pickle.finish());
  zip.add("a/data/0", raw_bytes<std::uint16_t>({0x3c00, 0xc500, 0x0001}));
  zip.add("a/data/1", raw_bytes<std::uint16_t>({0x3f80, 0xc0a0, 0x3e80}));
  zip.add("a/data/2", raw_bytes<double>({1.0, -0.1, 1e-300}));
  const auto checkpoint = read(zip.finish());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_THAT(values(checkpoint, 0), ElementsAre(1, -5, std::ldexp(1.0F, -24)));
  EXPECT_THAT(values(checkpoint, 1), ElementsAre(1, -5, 0.25F));
  EXPECT_THAT(values(checkpoint, 2), ElementsAre(1, -0.1F, 0));
}

TEST(Checkpoint, UnwrapsParametersAndDropsWhatIsNoTensor) {
  PickleWriter pickle;
  pickle.raw("}");
  pickle.text("epoch").raw("K\x07s").text("rate").raw("G" + std::string(8, '\0') + "s");
  pickle.text("names")
      .raw("](")
      .text("a")
      .raw(
          "N\x88"
          "es")
      .text("seed")
      .raw("\x8a\x09" + std::string(9, '\1') + "s");
  pickle.text("pair").raw(")N\x86s");
  const std::int64_t shape[] = {2, 2};
  const std::int64_t strides[] = {2, 1};
  pickle.text("weight").global("torch._utils", "_rebuild_parameter").tensor("FloatStorage", "0", 4, 0, shape, strides);
  pickle.raw("\x88").ordered_dict().raw("\x87Rs");
  const auto checkpoint = read(archive(pickle.finish()));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  ASSERT_EQ(checkpoint.value().tensors().size(), 1U);
  EXPECT_THAT(values(checkpoint), ElementsAre(1, 2, 3, 4));
}

TEST(Checkpoint, EntersTheUsualNestingAndSaysSo) {
  PickleWriter pickle;
  pickle.raw("}").text("optimizer").raw("}");
  add(pickle, "momentum").raw("s").text("state_dict").raw("}");
  add(pickle, "weight").raw("s").text("ema").raw("}");
  add(pickle, "average").raw("s");
  const auto checkpoint = read(archive(pickle.finish()));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint.value().tensors()[0].name, "weight");
  EXPECT_THAT(checkpoint.value().notes(),
              ElementsAre("left out the tensors under 'optimizer', 'ema'", "took the tensors under 'state_dict'"));
}

TEST(Checkpoint, EntersTwoLevels) {
  PickleWriter pickle;
  pickle.raw("}").text("model").raw("}").text("encoder").raw("}");
  add(pickle, "weight").raw("ss");
  const auto checkpoint = read(archive(pickle.finish()));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_THAT(checkpoint.value().notes(), ElementsAre("took the tensors under 'model.encoder'"));
}

TEST(Checkpoint, DoesNotGuessBetweenUnknownKeys) {
  PickleWriter pickle;
  pickle.raw("}").text("left").raw("}");
  add(pickle, "weight").raw("s").text("right").raw("}");
  add(pickle, "weight").raw("s");
  expect_invalid(read(archive(pickle.finish())), "several dictionaries of tensors ('left', 'right')");
}

TEST(Checkpoint, RefusesATensorThatOccursTwice) {
  PickleWriter pickle;
  pickle.raw("}");
  add(pickle, "weight");
  expect_invalid(read(archive(add(pickle, "weight").finish())), "holds tensor 'weight' twice");
}

TEST(Checkpoint, RefusesForeignGlobalsAndNamesThem) {
  expect_invalid(read(archive(PickleWriter().global("os", "system").text("true").raw("\x85R").finish())),
                 "refers to 'os.system', which is no tensor: refused, and nothing was run");
  expect_invalid(read(archive(PickleWriter().global("builtins", "eval").finish())), "'builtins.eval'");
  expect_invalid(read(archive(PickleWriter().global("torch", "load").finish())), "'torch.load'");
  expect_invalid(read(archive(PickleWriter().global("__main__", "Net\x1b[31m").finish())), "'__main__.Net\\x1b[31m'");
}

TEST(Checkpoint, RefusesToCallWhatIsNoFunction) {
  expect_invalid(read(archive(PickleWriter().raw("})R").finish())), "calls something that is no known function");
  expect_invalid(read(archive(PickleWriter().global("torch", "FloatStorage").raw(")R").finish())),
                 "calls a known function");
  expect_invalid(read(archive(PickleWriter().global("collections", "OrderedDict").text("x").raw("\x85R").finish())),
                 "calls a known function");
  expect_invalid(read(archive(PickleWriter().global("torch._utils", "_rebuild_tensor_v2").raw(")R").finish())),
                 "describes a tensor in a way that torch.save does not");
}

TEST(Checkpoint, RefusesOtherOpcodesAndProtocols) {
  expect_invalid(read(archive("\x80\x02"
                              "i__builtin__\neval\n.")),
                 "opcode 0x69");
  expect_invalid(read(archive("\x80\x04"
                              "}.")),
                 "pickle protocol 4");
}

TEST(Checkpoint, RefusesPicklesThatAreCutShortOrUnbalanced) {
  expect_invalid(read(archive("\x80\x02")), "cut short");
  expect_invalid(read(archive("\x80\x02X\xff\xff\xff\xffweight")), "cut short");
  expect_invalid(read(archive("\x80\x02"
                              "cos")),
                 "cut short");
  expect_invalid(read(archive("\x80\x02.")), "stack runs empty");
  expect_invalid(read(archive("\x80\x02}(s.")), "stack runs empty");
  expect_invalid(read(archive("\x80\x02t.")), "mark is missing");
  expect_invalid(read(archive("\x80\x02]NNs.")), "items of what is no dictionary");
  expect_invalid(read(archive("\x80\x02h\x05.")), "recalls value 5");
  expect_invalid(read(archive("\x80\x02N.")), "no dictionary of tensors");
}

TEST(Checkpoint, SurvivesCyclesAndDeepNesting) {
  expect_invalid(read(archive(PickleWriter().raw("]q\1h\1a").finish())), "no dictionary of tensors");
  expect_invalid(read(archive(PickleWriter().raw("}q\1").text("model").raw("h\1s").finish())),
                 "no dictionary of tensors");
  expect_invalid(read(archive(PickleWriter().raw(std::string(400'000, '(') + std::string(400'000, 't')).finish())),
                 "no dictionary of tensors");
  expect_invalid(read(archive(PickleWriter().raw(std::string(600'000, '}')).finish())), "more than 500000 values");
}

TEST(Checkpoint, RefusesViewsOutsideTheirStorage) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const View views[] = {
      {4, 1, {2, 2}, {2, 1}},
      {4, -1, {2}, {1}},
      {4, 5, {1}, {1}},
      {4, 0, {5}, {1}},
      {4, 0, {2, 2}, {3, 1}},
      {4, 0, {-1}, {1}},
      {4, 0, {2, 2}, {-1, 1}},
      {5, 0, {2, 2}, {2, 1}},
      {-4, 0, {2}, {1}},
      {kHuge, 0, {2}, {1}},
      {4, kHuge, {2}, {1}},
      {4, 0, {2, 2}, {kHuge, kHuge}},
      {4, 0, {kHuge, kHuge}, {1, 1}},
      {4, 0, {1'000'000'000'000}, {0}},
      {4, 0, {0, kHuge, kHuge}, {1, 1, 1}},
  };
  for (const View& view : views) {
    expect_invalid(read(archive(one_tensor(view))), "does not fit its storage of 4 elements");
  }
  expect_invalid(read(archive(one_tensor({4, 0, {2, 2}, {1}}))), "in a way that torch.save does not");
  const std::vector<std::int64_t> nine(9, 1);
  expect_invalid(read(archive(one_tensor({4, 0, nine, nine}))), "in a way that torch.save does not");
}

TEST(Checkpoint, RefusesTensorsThatShareOneStorageBeyondTheFileSize) {
  PickleWriter pickle;
  pickle.raw("}");
  for (int i = 0; i < 64; ++i) {
    pickle.text(std::to_string(i)).raw(i == 0 ? "" : "h\1s");
    if (i == 0) {
      const std::int64_t shape[] = {4096};
      const std::int64_t strides[] = {1};
      pickle.tensor("FloatStorage", "0", 4096, 0, shape, strides).raw("q\1s");
    }
  }
  ZipWriter zip;
  zip.add("a/data.pkl", pickle.finish());
  zip.add("a/data/0", raw_bytes(std::vector<float>(4096)));
  expect_invalid(read(zip.finish()), "several share one storage");
}

TEST(Checkpoint, RefusesArchivesThatLie) {
  expect_invalid(read(archive(one_tensor(), {8, 0, 0, true})), "'archive/data.pkl' is compressed or encrypted");
  expect_invalid(read(archive(one_tensor(), {0, 1, 0, true})), "is compressed or encrypted");
  expect_invalid(read(archive(one_tensor(), {0, 0, 1U << 30, true})), "lies outside it");
  ZipWriter zip;
  zip.add("a/data.pkl", one_tensor());
  expect_invalid(read(zip.finish()), "it has no 'a/data/0'");
  expect_invalid(read(zip.finish({1, 0, 0})), "directory");
  expect_invalid(read(zip.finish({1ULL << 60, 0, 0})), "does not fit the file");
  expect_invalid(read(zip.finish({0, 1ULL << 60, 0})), "does not fit the file");
  expect_invalid(read(zip.finish({0, 0, 1ULL << 60})), "does not fit the file");
  zip.add("a/data.pkl", one_tensor());
  expect_invalid(read(zip.finish()), "holds 'a/data.pkl' twice");
}

TEST(Checkpoint, NoticesAFlippedByteAnywhereInTheTensors) {
  const NamedTensor tensors[] = {{"weight", {8}, {1, 2, 3, 4, 5, 6, 7, 8}}};
  const std::string valid = write_checkpoint(tensors);
  const std::size_t begin = valid.find(raw_bytes(tensors[0].values));
  ASSERT_NE(begin, std::string::npos);
  for (std::size_t i = 0; i < 32; ++i) {
    std::string flipped = valid;
    flipped[begin + i] ^= 1;
    expect_invalid(read(flipped), "'archive/data/0' does not match its checksum");
  }
}

TEST(Checkpoint, ReadsArchivesThatPyTorchWroteWithoutChecksums) {
  constexpr ZipWriter::Lies kNoChecksum{0, 0, 0, false};
  ZipWriter zip;
  zip.add("archive/data.pkl", one_tensor(), kNoChecksum);
  zip.add("archive/data/0", raw_bytes<float>({1, 2, 3, 4}), kNoChecksum);
  zip.add("archive/.data/serialization_id", "1234", kNoChecksum);
  const auto checkpoint = read(zip.finish());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_THAT(values(checkpoint), ElementsAre(1, 2, 3, 4));
}

TEST(Checkpoint, TakesAChecksumOfZeroForOneUnlessPyTorchLeftAllOfThemOut) {
  constexpr ZipWriter::Lies kNoChecksum{0, 0, 0, false};
  expect_invalid(read(archive(one_tensor(), kNoChecksum)), "does not match its checksum");
  // One member without a checksum among others that have theirs.
  ZipWriter zip;
  zip.add("archive/data.pkl", one_tensor(), kNoChecksum);
  zip.add("archive/data/0", raw_bytes<float>({1, 2, 3, 4}));
  zip.add("archive/.data/serialization_id", "1234");
  expect_invalid(read(zip.finish()), "'archive/data.pkl' does not match its checksum");
}

TEST(Checkpoint, NoticesACutAnywhere) {
  const NamedTensor tensors[] = {{"weight", {8}, {1, 2, 3, 4, 5, 6, 7, 8}}};
  const std::string valid = write_checkpoint(tensors);
  for (std::size_t length = 0; length < valid.size(); ++length) {
    EXPECT_FALSE(read(valid.substr(0, length)).ok()) << length;
  }
}

TEST(Checkpoint, SaysWhatAFileIsInstead) {
  expect_invalid(read(""), "it is empty");
  expect_invalid(read("\x80\x02\x8a\x0al\xfc\x9c"
                      "F\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."),
                 "PyTorch before 1.6");
  expect_invalid(read("version https://git-lfs.github.com/spec/v1\n"), "Git LFS pointer");
  expect_invalid(read("<!DOCTYPE html><html>"), "web page");
  expect_invalid(read("channels: 1024\nattention: 128\n"), "neither");
  ZipWriter program;
  program.add("a/data.pkl", "\x80\x02}.");
  program.add("a/constants.pkl", "\x80\x02).");
  expect_invalid(read(program.finish()), "TorchScript program");
  program.add("a/extra/manifest.json", "{}");
  expect_invalid(read(program.finish()), "bundle already");
  ZipWriter other;
  other.add("a/b.npy", "x");
  expect_invalid(read(other.finish()), "without data.pkl");
  ZipWriter big;
  big.add("a/data.pkl", one_tensor());
  big.add("a/byteorder", "big");
  expect_invalid(read(big.finish()), "big-endian");
}

TEST(Checkpoint, NamesTheFileThatCannotBeOpened) {
  const auto folder = std::filesystem::temp_directory_path() / ("timbre-checkpoint-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string fifo = folder / "fifo.ckpt";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto missing = Checkpoint::open(folder / "missing.ckpt");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::MODEL_NOT_FOUND);
  EXPECT_THAT(missing.error().message, HasSubstr("missing.ckpt"));
  EXPECT_EQ(Checkpoint::open(std::string("a\0b", 3)).error().code, ErrorCode::MODEL_NOT_FOUND);
  expect_invalid(Checkpoint::open(folder), "no regular file");
  expect_invalid(Checkpoint::open(fifo), "no regular file");
  std::filesystem::remove_all(folder);
}

TEST(Checkpoint, NamesTensorsThatAreNoWeights) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const NamedTensor tensors[] = {{"a", {2}, {0, nan}}, {"b", {1}, {-std::numeric_limits<float>::infinity()}}};
  const auto checkpoint = read(write_checkpoint(tensors));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_THAT(checkpoint.value().read(checkpoint.value().tensors()[0]).error().message,
              HasSubstr("'a' holds NaN at element 1"));
  EXPECT_THAT(checkpoint.value().read(checkpoint.value().tensors()[1]).error().message,
              HasSubstr("'b' holds infinity"));
  const auto pytorch = Checkpoint::open(TIMBRE_FIXTURES "/checkpoints/speechbrain-c16.ckpt");
  ASSERT_TRUE(pytorch.ok()) << pytorch.error().message;
  EXPECT_THAT(pytorch.value().read(pytorch.value().tensors()[6]).error().message, HasSubstr("holds int64"));
}

std::string safetensors(const std::string& header, const std::string& data) {
  return testing::little_endian<std::uint64_t>(header.size()) + header + data;
}

TEST(Safetensors, AreReadToo) {
  const auto checkpoint = read(safetensors(
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},"h":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})",
      raw_bytes<std::uint16_t>({0x3f80, 0xc0a0}) + raw_bytes<float>({7, 8})));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  ASSERT_EQ(checkpoint.value().tensors().size(), 2U);
  EXPECT_EQ(checkpoint.value().tensors()[0].name, "h");
  EXPECT_THAT(values(checkpoint, 0), ElementsAre(1, -5));
  EXPECT_THAT(values(checkpoint, 1), ElementsAre(7, 8));
}

TEST(Safetensors, ThatLieAreRefused) {
  const std::string data(8, '\0');
  const char* const headers[] = {
      R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,12]}})",
      R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})",
      R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})",
      R"({"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})",
      R"({"w":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,8]}})",
      R"({"w":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}})",
      R"({"w":{"dtype":"F8","shape":[8],"data_offsets":[0,8]}})",
      R"({"w":{"dtype":"F32","shape":"2","data_offsets":[0,8]}})",
      R"({"w":{"dtype":"F32","data_offsets":[0,8]}})",
      R"({"w":[0,8]})",
  };
  for (const char* const header : headers) {
    expect_invalid(read(safetensors(header, data)), "tensor 'w' of its safetensors header");
  }
  expect_invalid(read(safetensors("{}", data)), "names no tensors");
  expect_invalid(read(safetensors("{\"w\":", data)), "no JSON object");
  expect_invalid(read(safetensors(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{}})", data)),
                 "'w' twice");
  expect_invalid(read(safetensors("{" + std::string(5'000'000, ' ') + "}", data)), "over the limit");
}

/// Damages the bytes [begin, end) of a valid file in many ways: whatever comes of it is tensors or MODEL_INVALID, in
/// memory bounded by the file's size.
void expect_safe(const std::string& valid, std::size_t begin, std::size_t end) {
  std::mt19937 random(1);
  const auto below = [&](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  constexpr std::string_view kNasty("\0\1\x7f\x80\xfe\xff()tRQbusqhXN}].\x85\x8a", 22);
  std::size_t tensors = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 30'000; ++round) {
    std::string damaged = valid;
    for (std::size_t change = 0; change <= below(4); ++change) {
      char& byte = damaged[begin + below(end - begin)];
      byte = below(2) == 0 ? static_cast<char>(byte ^ (1 << below(8))) : kNasty[below(kNasty.size())];
    }
    if (below(8) == 0) {
      damaged.erase(begin + below(end - begin), below(16));
    }
    const std::size_t before = live_bytes;
    peak_bytes = before;
    const auto checkpoint = read(damaged);
    if (checkpoint.ok()) {
      for (const CheckpointTensor& tensor : checkpoint.value().tensors()) {
        tensors += checkpoint.value().read(tensor).ok() ? 1 : 0;
      }
    } else {
      ASSERT_EQ(checkpoint.error().code, ErrorCode::MODEL_INVALID);
      ++refused;
    }
    ASSERT_LT(peak_bytes - before, 64 * valid.size() + (1U << 20)) << "round " << round;
  }
  // Both ends must have been reached, else the damage was too little or too much to show anything.
  EXPECT_GT(tensors, 1000U);
  EXPECT_GT(refused, 1000U);
}

TEST(Checkpoint, StaysSafeWhateverBytesAreDamaged) {
  PickleWriter pickle;
  pickle.raw("}").text("epoch").raw("K\x07s").text("state_dict").ordered_dict().raw("(");
  ZipWriter zip;
  for (int i = 0; i < 6; ++i) {
    const std::int64_t shape[] = {2, 3};
    const std::int64_t strides[] = {3, 1};
    pickle.text("layer." + std::to_string(i))
        .tensor(i == 5 ? "HalfStorage" : "FloatStorage", std::to_string(i), 6, 0, shape, strides);
    zip.add("a/data/" + std::to_string(i), std::string(i == 5 ? 12 : 24, '\x3c'), {0, 0, 0, false});
  }
  pickle.raw("us");
  // Without checksums, so that the damage reaches the readers behind them.
  zip.add("a/data.pkl", pickle.finish(), {0, 0, 0, false});
  zip.add("a/.data/serialization_id", "1", {0, 0, 0, false});
  const std::string valid = zip.finish();
  const std::size_t begin = valid.find(pickle.finish());
  const std::size_t end = begin + pickle.finish().size();
  expect_safe(valid, 0, valid.size());
  expect_safe(valid, begin, end);
  expect_safe(valid, end, valid.size());
}

TEST(Safetensors, StaySafeWhateverBytesAreDamaged) {
  const std::string valid = safetensors(
      R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F16","shape":[4],"data_offsets":[24,32]}})",
      std::string(32, '\x3c'));
  expect_safe(valid, 0, valid.size());
}

}  // namespace
}  // namespace timbre::checkpoint
