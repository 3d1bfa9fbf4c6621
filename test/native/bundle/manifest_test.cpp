#include "bundle/manifest.h"

#include <gmock/gmock.h>

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "bundle/identity.h"

namespace timbre::bundle {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

const Json kManifest = Json::parse(R"({
  "format": 1, "id": "spkrec-ecapa-voxceleb", "version": "1", "family": "speechbrain", "trained": true,
  "precision": "fp32",
  "embedding": { "dim": 192 },
  "input": { "sampleRate": 16000, "shortestFrames": 5, "longestSeconds": 0 },
  "frontEnd": { "type": "speechbrain", "frameLength": 400, "frameShift": 160, "fftLength": 512,
                "window": "hamming_periodic", "melBins": 80, "lowHz": 20, "highHz": 7600, "sampleScale": 32768,
                "preemphasis": 0.97, "removeDc": true, "logFloor": 1e-10, "topDb": 80, "subtractMean": true },
  "weightsDigest": { "algorithm": "xxh3-128", "value": "0123456789abcdef0123456789abcdef" },
  "source": { "licence": "Apache-2.0" }
})");

Json with(const std::string& pointer, Json value) {
  Json manifest = kManifest;
  manifest[Json::json_pointer(pointer)] = std::move(value);
  return manifest;
}

std::string fault(const std::string& text) {
  const auto manifest = parse_manifest(text);
  if (manifest.ok()) {
    ADD_FAILURE() << "accepted " << text;
    return "";
  }
  EXPECT_EQ(manifest.error().code, ErrorCode::MODEL_INVALID);
  EXPECT_EQ(manifest.error().message.find('\n'), std::string::npos);
  return manifest.error().message;
}

TEST(Manifest, GivesEveryField) {
  const auto parsed = parse_manifest(kManifest.dump());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const Manifest& manifest = parsed.value();
  EXPECT_EQ(manifest.id, "spkrec-ecapa-voxceleb");
  EXPECT_EQ(manifest.version, "1");
  EXPECT_EQ(manifest.family, "speechbrain");
  EXPECT_TRUE(manifest.trained);
  EXPECT_EQ(manifest.embedding_dim, 192);
  EXPECT_EQ(manifest.shortest_frames, 5);
  EXPECT_EQ(manifest.longest_seconds, 0);
  EXPECT_EQ(manifest.precision, "fp32");
  EXPECT_EQ(manifest.weights_digest, "0123456789abcdef0123456789abcdef");
  const FrontEndConfig& front_end = manifest.front_end;
  EXPECT_EQ(front_end.type, "speechbrain");
  EXPECT_EQ(front_end.sample_rate, 16000);
  EXPECT_EQ(front_end.frame_length, 400);
  EXPECT_EQ(front_end.frame_shift, 160);
  EXPECT_EQ(front_end.fft_length, 512);
  EXPECT_EQ(front_end.window, "hamming_periodic");
  EXPECT_EQ(front_end.mel_bins, 80);
  EXPECT_EQ(front_end.low_hz, 20);
  EXPECT_EQ(front_end.high_hz, 7600);
  EXPECT_EQ(front_end.sample_scale, 32768);
  EXPECT_EQ(front_end.preemphasis, 0.97);
  EXPECT_TRUE(front_end.remove_dc);
  EXPECT_EQ(front_end.log_floor, 1e-10);
  EXPECT_EQ(front_end.top_db, 80);
  EXPECT_TRUE(front_end.subtract_mean);
}

const Json kRule = {{"detector", "silero-6.2.3"},
                    {"longestSeconds", 0.8},
                    {"marginSeconds", 0.4},
                    {"silence", 0.001},
                    {"fadeSeconds", 0.005}};

TEST(Manifest, GivesTheRuleForPauses) {
  EXPECT_FALSE(parse_manifest(kManifest.dump()).value().pauses) << "none: they are kept";
  const auto parsed = parse_manifest(with("/pauses", kRule).dump());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  const PauseRule expected{.detector = "silero-6.2.3", .longest = 0.8, .margin = 0.4, .silence = 0.001, .fade = 0.005};
  EXPECT_EQ(parsed.value().pauses, expected);
  EXPECT_THAT(fault(with("/pauses", {{"detector", "silero-6.2.3"}}).dump()),
              HasSubstr("pauses.longestSeconds is missing"));
  Json other = kRule;
  other["detector"] = "another";
  EXPECT_THAT(fault(with("/pauses", other).dump()), HasSubstr("update timbre-voice"));
}

TEST(Identity, CoversTheRuleForPausesAndNothingOfTheCalibration) {
  const auto of = [](const Json& manifest, Pauses pauses) {
    return identity(parse_manifest(manifest.dump()).value(), pauses);
  };
  const Json cutting = with("/pauses", kRule);
  EXPECT_EQ(of(kManifest, Pauses::cut), of(kManifest, Pauses::keep)) << "there is no rule";
  EXPECT_EQ(of(cutting, Pauses::keep), of(kManifest, Pauses::keep)) << "published bundles stay what they are";
  EXPECT_NE(of(cutting, Pauses::cut), of(cutting, Pauses::keep));
  EXPECT_EQ(of(cutting, Pauses::cut).size(), 32U);
  Json calibrated = cutting;
  calibrated["calibration"] = {{"offset", 1}};
  EXPECT_EQ(of(calibrated, Pauses::cut), of(cutting, Pauses::cut));
  for (const char* name : {"longestSeconds", "marginSeconds", "silence", "fadeSeconds"}) {
    Json changed = cutting;
    changed["pauses"][name] = changed["pauses"][name].get<double>() / 2;
    EXPECT_NE(of(changed, Pauses::cut), of(cutting, Pauses::cut)) << name;
  }
}

TEST(Manifest, KeepsItsTextWithKeysItDoesNotKnow) {
  Json manifest = with("/frontEnd/colour", "blue");
  manifest["calibration"] = {{"slope", 12.5}};
  const auto parsed = parse_manifest(manifest.dump());
  ASSERT_TRUE(parsed.ok()) << parsed.error().message;
  Json kept = Json::parse(parsed.value().json);
  kept.erase("identity");
  EXPECT_EQ(kept, manifest);
}

std::string identity(const Json& manifest) {
  const auto parsed = parse_manifest(manifest.dump());
  EXPECT_TRUE(parsed.ok()) << parsed.error().message;
  return parsed.ok() ? parsed.value().identity : "";
}

TEST(Identity, IsAnotherWhereAnythingDiffersThatMovesAVector) {
  std::set<std::string> identities{identity(kManifest)};
  std::size_t count = 1;
  const auto expect_another = [&](const std::string& pointer, const Json& value) {
    identities.insert(identity(with(pointer, value)));
    EXPECT_EQ(identities.size(), ++count) << pointer;
  };
  expect_another("/weightsDigest/value", "fedcba9876543210fedcba9876543210");
  const Json others = Json::parse(R"({
         "type": "kaldi", "frameLength": 200, "frameShift": 100, "fftLength": 1024, "window": "hamming", "melBins": 64,
         "lowHz": 50, "highHz": 7000, "sampleScale": 1, "preemphasis": 0.9, "removeDc": false, "logFloor": 1e-9,
         "topDb": 70, "subtractMean": false })");
  for (const auto& [name, value] : others.items()) {
    expect_another("/frontEnd/" + name, value);
  }
  expect_another("/input/sampleRate", 32000);
  expect_another("/network", {{"stride", 1}});
  expect_another("/network", {{"stride", 2}});
  expect_another("/pauses", kRule);
  Json wider = kRule;
  wider["marginSeconds"] = 0.5;
  expect_another("/pauses", wider);
}

TEST(Identity, StaysWhateverIsLearnedLaterOrOnlyForPeople) {
  for (const auto& [pointer, value] :
       std::initializer_list<std::pair<std::string, Json>>{{"/id", "another"},
                                                           {"/version", "2"},
                                                           {"/family", "3dspeaker"},
                                                           {"/trained", false},
                                                           {"/cohort", {{"speakers", 1}}},
                                                           {"/calibration", {{"offset", 1}}},
                                                           {"/thresholds", Json::array()},
                                                           {"/source/licence", "none"},
                                                           {"/input/longestSeconds", 60},
                                                           {"/frontEnd/colour", "blue"},
                                                           {"/frontEnd/highHz", 7600.0},
                                                           {"/verification", {{"cases", Json::array()}}}}) {
    EXPECT_EQ(identity(with(pointer, value)), identity(kManifest)) << pointer;
  }
}

TEST(Identity, IsPutIntoTheManifestAndComparedWhereItIsThere) {
  const auto parsed = parse_manifest(kManifest.dump());
  ASSERT_TRUE(parsed.ok());
  const Json complete = Json::parse(parsed.value().json);
  EXPECT_EQ(complete.at("/identity/algorithm"_json_pointer), "xxh3-128");
  EXPECT_EQ(complete.at("/identity/value"_json_pointer), parsed.value().identity);
  EXPECT_EQ(identity(complete), parsed.value().identity);
  Json changed = complete;
  changed["frontEnd"]["preemphasis"] = 0.5;
  EXPECT_THAT(fault(changed.dump()), HasSubstr("identity is not that of its weights"));
}

TEST(Manifest, OfAnyDepthIsReadWithoutRecursionOverIt) {
  Json manifest = kManifest;
  Json* inner = &manifest["network"];
  for (int i = 0; i < 100; ++i) inner = &(*inner)["more"];
  EXPECT_THAT(fault(manifest.dump()), HasSubstr("deeper than 64 levels"));
  const std::string deep(1'000'000, '[');
  EXPECT_THAT(fault("{\"network\":" + deep + std::string(deep.size(), ']') + "}"), HasSubstr("deeper than 64 levels"));
}

TEST(Manifest, NamesAFieldThatIsMissing) {
  for (const std::string path : {"format",
                                 "id",
                                 "version",
                                 "family",
                                 "trained",
                                 "precision",
                                 "embedding.dim",
                                 "input.sampleRate",
                                 "input.shortestFrames",
                                 "input.longestSeconds",
                                 "frontEnd.type",
                                 "frontEnd.frameLength",
                                 "frontEnd.frameShift",
                                 "frontEnd.fftLength",
                                 "frontEnd.window",
                                 "frontEnd.melBins",
                                 "frontEnd.lowHz",
                                 "frontEnd.highHz",
                                 "frontEnd.sampleScale",
                                 "frontEnd.preemphasis",
                                 "frontEnd.removeDc",
                                 "frontEnd.logFloor",
                                 "frontEnd.topDb",
                                 "frontEnd.subtractMean",
                                 "weightsDigest.algorithm",
                                 "weightsDigest.value"}) {
    Json manifest = kManifest;
    const auto dot = path.find('.');
    if (dot == std::string::npos) {
      manifest.erase(path);
    } else {
      manifest[path.substr(0, dot)].erase(path.substr(dot + 1));
    }
    EXPECT_THAT(fault(manifest.dump()), HasSubstr(": " + path + " is missing"));
  }
}

TEST(Manifest, NamesTheFirstFieldOfAPartThatIsNoObject) {
  EXPECT_THAT(fault(with("/embedding", 192).dump()), HasSubstr("embedding.dim is missing"));
  EXPECT_THAT(fault(with("/frontEnd", Json::array({1})).dump()), HasSubstr("frontEnd.type is missing"));
  EXPECT_THAT(fault(with("/weightsDigest", nullptr).dump()), HasSubstr("weightsDigest.algorithm is missing"));
}

TEST(Manifest, NamesAFieldOfAnotherTypeWithItsValue) {
  EXPECT_THAT(fault(with("/frontEnd/melBins", "80").dump()), HasSubstr("frontEnd.melBins is \"80\""));
  EXPECT_THAT(fault(with("/frontEnd/melBins", 80.5).dump()), HasSubstr("frontEnd.melBins is 80.5"));
  EXPECT_THAT(fault(with("/trained", 1).dump()), HasSubstr("trained is 1"));
  EXPECT_THAT(fault(with("/version", 1).dump()), HasSubstr("version is 1"));
  EXPECT_THAT(fault(with("/frontEnd/lowHz", nullptr).dump()), HasSubstr("frontEnd.lowHz is null"));
  EXPECT_THAT(fault(with("/format", "1").dump()), HasSubstr("format is \"1\""));
}

TEST(Manifest, NamesAFieldOutOfRange) {
  EXPECT_THAT(fault(with("/embedding/dim", 0).dump()), HasSubstr("embedding.dim is 0"));
  EXPECT_THAT(fault(with("/embedding/dim", -192).dump()), HasSubstr("embedding.dim is -192"));
  EXPECT_THAT(fault(with("/embedding/dim", 18446744073709551615ULL).dump()), HasSubstr("embedding.dim is 184467"));
  EXPECT_THAT(fault(with("/input/sampleRate", 4000000000LL).dump()), HasSubstr("input.sampleRate is 4000000000"));
  EXPECT_THAT(fault(with("/input/shortestFrames", 0).dump()), HasSubstr("input.shortestFrames is 0"));
  EXPECT_THAT(fault(with("/input/longestSeconds", -1).dump()), HasSubstr("input.longestSeconds is -1"));
  EXPECT_THAT(fault(with("/frontEnd/fftLength", 399).dump()), HasSubstr("frontEnd.fftLength is 399"));
  EXPECT_THAT(fault(with("/frontEnd/highHz", 8001).dump()), HasSubstr("frontEnd.highHz is 8001"));
  EXPECT_THAT(fault(with("/frontEnd/highHz", 10).dump()), HasSubstr("frontEnd.highHz is 10"));
  EXPECT_THAT(fault(with("/frontEnd/sampleScale", 0).dump()), HasSubstr("frontEnd.sampleScale is 0"));
  EXPECT_THAT(fault(with("/frontEnd/preemphasis", 1.5).dump()), HasSubstr("frontEnd.preemphasis is 1.5"));
}

TEST(Manifest, NamesATextThatIsNotOfItsForm) {
  EXPECT_THAT(fault(with("/id", "").dump()), HasSubstr("id is \"\""));
  EXPECT_THAT(fault(with("/id", "../secret").dump()), HasSubstr("id is \"../secret\""));
  EXPECT_THAT(fault(with("/id", std::string(129, 'a')).dump()), HasSubstr("id is \"aaa"));
  EXPECT_THAT(fault(with("/precision", "fp8").dump()), HasSubstr("precision is \"fp8\" where fp32 or int8 belongs"));
  EXPECT_THAT(fault(with("/weightsDigest/algorithm", "md5").dump()), HasSubstr("weightsDigest.algorithm is \"md5\""));
  EXPECT_THAT(fault(with("/weightsDigest/value", "0123").dump()), HasSubstr("weightsDigest.value is \"0123\""));
  EXPECT_THAT(fault(with("/weightsDigest/value", std::string(32, 'G')).dump()), HasSubstr("weightsDigest.value"));
}

TEST(Manifest, ShowsALongValueShortened) {
  EXPECT_LT(fault(with("/trained", std::string(9999, 'x')).dump()).size(), 300);
}

TEST(Manifest, SaysThatAnotherFormatIsANewerTimbres) {
  EXPECT_THAT(fault(R"({ "format": 3 })"), HasSubstr("format 3, made by a newer Timbre"));
}

TEST(Manifest, RefusesTextThatIsNoJsonObject) {
  for (const std::string text : {"", "{", "[]", "null", "{\"format\": 1e999}", "\xff\xfe", "{\"id\": \"\xc3\x28\"}"}) {
    EXPECT_THAT(fault(text), HasSubstr("no JSON object"));
  }
  EXPECT_THAT(fault(std::string(1000000, '[')), HasSubstr("no JSON object"));
}

}  // namespace
}  // namespace timbre::bundle
