// Nine honest clients and one that keeps to nothing, over mutual TLS: the
// rounds close, and the model is the one that it would be without the tenth.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "client/core/participant.h"
#include "common/base/file_io.h"
#include "common/data/data_spec.h"
#include "common/federation/model_id.h"
#include "common/rpc/channel_options.h"
#include "common/rpc/status_conversion.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/join_wire.h"
#include "common/wire/limits.h"
#include "common/wire/task_wire.h"
#include "common/wire/update_wire.h"
#include "tests/server/rpc/running_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using Days = std::chrono::days;

constexpr int kHonest = 9;
constexpr int kRounds = 2;
// An honest client never has more than three calls open.
constexpr CallLimits::Options kLimits = {.calls_per_second = 5,
                                         .open_calls = 6};

std::shared_ptr<const ImageDataset> DataOf(int client) {
  const ImageSize sizes[] = {{14, 14}, {20, 20}, {12, 9}};
  LoadOptions options;
  options.part =
      DataPart{.partition = {}, .index = client, .count = kHonest, .seed = 1};
  options.resolution = sizes[client % std::ssize(sizes)];
  return LoadData(ParseDataSpec("synthetic:5,360").value(), options)
      .value()
      .data;
}

// An authority of two years ago: it can have issued what has expired since.
class Bundles {
 public:
  TlsFiles Server() {
    return authority_.Issue({.role = Role::kServer,
                             .name = "server",
                             .dns_names = {"localhost"},
                             .ip_addresses = {"127.0.0.1"},
                             .validity = Days(1000)});
  }
  TlsFiles Client(const std::string& name, Days validity = Days(1000)) {
    return authority_.Issue({.name = name, .validity = validity});
  }

 private:
  TestAuthority authority_{SystemClock().WallNow() - Days(730)};
};

// gRPC's own credentials, without the checks that ours make before.
std::shared_ptr<grpc::Channel> UncheckedChannel(const ServerAddress& address,
                                                const TlsFiles& files,
                                                const TlsFiles& trusted) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadFileText(trusted.authority).value();
  options.pem_cert_chain = ReadFileText(files.identity).value();
  options.pem_private_key = options.pem_cert_chain;
  grpc::ChannelArguments arguments = ClientChannelArguments(address);
  arguments.SetMaxSendMessageSize(-1);
  return grpc::CreateCustomChannel(address.ToString(),
                                   grpc::SslCredentials(options), arguments);
}

// Whether the server still waits for the client's update of the round.
enum class Part { kOver, kOpen };

// A member of the federation that makes its calls by hand.
class Hostile {
 public:
  Hostile(RunningServer& server, Bundles& bundles)
      : server_(server),
        bundles_(bundles),
        files_(bundles.Client("mallory")),
        stub_(v1::Federation::NewStub(
            UncheckedChannel(server.address(), files_, files_))) {}

  RunningServer& server() { return server_; }
  Bundles& bundles() { return bundles_; }
  const TlsFiles& files() const { return files_; }

  // An update that would count.
  Update GoodUpdate(const Task& task) const {
    return server_.UpdateFor(task, 0.001F);
  }
  v1::UpdateHeader Header(const Update& update) const {
    return ToProto(HeaderOf(update, server_.coordinator().layout_hash()));
  }
  static v1::UpdateChunk Chunk(const Update& update, std::size_t offset,
                               std::size_t length) {
    const std::span bytes(
        reinterpret_cast<const std::uint8_t*>(update.delta.data()),
        update.delta.size() * sizeof(float));
    return ToProto(UpdateChunkView{static_cast<std::int64_t>(offset),
                                   bytes.subspan(offset, length)});
  }
  static v1::UpdateChunk Whole(const Update& update) {
    return Chunk(update, 0, update.delta.size() * sizeof(float));
  }

  Status Join(int version = kProtocolVersion, const std::string& name = "") {
    grpc::ClientContext context;
    if (!name.empty()) context.AddMetadata("fedgap-client", name);
    JoinRequest request;
    request.protocol_version = version;
    v1::JoinReply reply;
    return FromGrpcStatus(stub_->Join(&context, ToProto(request), &reply));
  }
  // A header, then a chunk if there is one, then no more.
  Status Send(const v1::UpdateHeader& header,
              const std::optional<v1::UpdateChunk>& chunk = std::nullopt,
              const std::string& name = "") {
    grpc::ClientContext context;
    if (!name.empty()) context.AddMetadata("fedgap-client", name);
    const auto stream = stub_->SubmitUpdate(&context);
    v1::SubmitRequest request;
    *request.mutable_header() = header;
    bool open = stream->Write(request);
    if (chunk.has_value()) {
      *request.mutable_chunk() = *chunk;
      open = open && stream->Write(request);
    }
    stream->WritesDone();
    v1::SubmitReply reply;
    while (stream->Read(&reply)) {
    }
    return FromGrpcStatus(stream->Finish());
  }
  Status SendUpdate(const Update& update) {
    return Send(Header(update), Whole(update));
  }

  // While so many calls are open that say nothing; those that are too many are
  // refused as the update is.
  Status SendBesideSilentCalls(const Update& update, int calls) {
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<
        grpc::ClientReaderWriter<v1::SubmitRequest, v1::SubmitReply>>>
        streams;
    for (int i = 0; i < calls; ++i) {
      contexts.push_back(std::make_unique<grpc::ClientContext>());
      streams.push_back(stub_->SubmitUpdate(contexts.back().get()));
    }
    const Status end = SendUpdate(update);
    for (const auto& context : contexts) context->TryCancel();
    for (const auto& stream : streams) stream->Finish();
    return end;
  }

  // Does `misdeed` once in every round.
  void TakePart(const std::function<Status(Hostile&, const Task&)>& misdeed,
                StatusCode code, const std::string& words, Part part) {
    while (TakeOneConnection(misdeed, code, words, part)) {
    }
  }

 private:
  // False when the run is over. A fault that leaves the round waiting is
  // followed by a goodbye, and then the next connection.
  bool TakeOneConnection(
      const std::function<Status(Hostile&, const Task&)>& misdeed,
      StatusCode code, const std::string& words, Part part) {
    const Status joined = Join();
    if (!joined.ok()) {
      EXPECT_THAT(joined,
                  Fails(StatusCode::kFailedPrecondition, HasSubstr("is over")));
      return false;
    }
    grpc::ClientContext context;
    const auto tasks = stub_->Tasks(&context, {});
    v1::TasksReply message;
    bool over = false;
    while (tasks->Read(&message)) {
      const auto task = FromProto(message);
      if (!task.ok() || !task->has_value()) continue;
      if (std::holds_alternative<TrainTask>((*task)->work)) {
        EXPECT_THAT(misdeed(*this, **task), Fails(code, HasSubstr(words)));
        if (part == Part::kOpen) Leave();
      } else if (std::holds_alternative<EvaluateTask>((*task)->work)) {
        Leave();
        over = true;
      } else if (std::holds_alternative<FinishedNotice>((*task)->work)) {
        over = true;
      }
    }
    tasks->Finish();
    return !over;
  }

  void Leave() {
    // Calls that were cancelled may be open at the server for a little longer.
    Status left = absl::ResourceExhaustedError("");
    for (int i = 0; i < 1000 && absl::IsResourceExhausted(left); ++i) {
      grpc::ClientContext context;
      v1::LeaveReply reply;
      left = FromGrpcStatus(stub_->Leave(&context, {}, &reply));
    }
    EXPECT_OK(left);
  }

  RunningServer& server_;
  Bundles& bundles_;
  const TlsFiles files_;
  const std::unique_ptr<v1::Federation::Stub> stub_;
};

using Misdeed = std::function<Status(Hostile&, const Task&)>;

struct Case {
  std::string name;
  StatusCode code;
  std::string words;  // of the refusal
  Part part;          // after it
  Misdeed misdeed;
  CallLimits::Options limits = kLimits;
};

struct Rules {
  CallLimits::Options limits = kLimits;
  OnExcess on_excess = OnExcess::kReject;
};

// The model of a federation of the honest clients, and of a tenth if there is
// a `companion`.
std::string ModelWith(const std::function<void(Hostile&)>& companion,
                      const Rules& rules = {}) {
  Bundles bundles;
  RunningServer server({.min_clients = companion ? kHonest + 1 : kHonest,
                        .rounds = kRounds,
                        .quorum = 0.5,
                        .tls = bundles.Server(),
                        .limits = rules.limits,
                        .on_excess = rules.on_excess});
  const SystemClock clock;
  std::vector<std::thread> threads;
  for (int i = 0; i < kHonest; ++i) {
    threads.emplace_back(
        [&server, &clock, i, files = bundles.Client(fmt::format("c{}", i))] {
          const auto data = DataOf(i);
          const auto api = server.TlsClient(files).value();
          MemoryClientStore memory;
          Participant participant({.name = {fmt::format("c{}", i)},
                                   .software = "test",
                                   .threads = 1,
                                   .back_off = {},
                                   .give_up_after = std::chrono::seconds(60)},
                                  {*api, *data, memory, clock, nullptr});
          EXPECT_OK(participant.Run());
        });
  }
  if (companion) {
    Hostile hostile(server, bundles);
    companion(hostile);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(server.events().Of<RoundCommittedEvent>().size(), kRounds);
  EXPECT_TRUE(server.events().Of<RoundAbortedEvent>().empty());
  return ToHex(server.coordinator().GetStatus().model);
}

class HostileClientTest : public testing::TestWithParam<Case> {};

TEST_P(HostileClientTest, TheModelIsAsWithoutIt) {
  const Case& now = GetParam();
  EXPECT_EQ(
      ModelWith(
          [&now](Hostile& hostile) {
            hostile.TakePart(now.misdeed, now.code, now.words, now.part);
            if (now.part == Part::kOpen) return;
            EXPECT_EQ(
                hostile.server().events().Of<UpdateRejectedEvent>().size(),
                kRounds);
          },
          {.limits = now.limits}),
      ModelWith(nullptr));
}

Status JoinAs(Hostile& hostile, const TlsFiles& files) {
  const auto stub = v1::Federation::NewStub(
      UncheckedChannel(hostile.server().address(), files, hostile.files()));
  grpc::ClientContext context;
  v1::JoinReply reply;
  return FromGrpcStatus(stub->Join(&context, ToProto(JoinRequest{}), &reply));
}

std::vector<Case> UpdatesThatBreakARule() {
  return {
      {"AWrongLayoutHash", StatusCode::kInvalidArgument, "layout", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         v1::UpdateHeader header = hostile.Header(hostile.GoodUpdate(task));
         header.set_layout_hash(std::string(32, 'x'));
         return hostile.Send(header);
       }},
      {"NaN", StatusCode::kInvalidArgument, "NaN", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         Update update = hostile.GoodUpdate(task);
         update.delta[7] = std::numeric_limits<float>::quiet_NaN();
         return hostile.SendUpdate(update);
       }},
      {"HugeValues", StatusCode::kInvalidArgument,
       "more than validation.max_abs_delta", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         Update update = hostile.GoodUpdate(task);
         update.delta[7] = 1e30F;
         return hostile.SendUpdate(update);
       }},
      {"NoSamples", StatusCode::kInvalidArgument, "sample", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         Update update = hostile.GoodUpdate(task);
         update.info.counts = {{0, 0, 0}};
         return hostile.SendUpdate(update);
       }},
      {"TooManySamples", StatusCode::kInvalidArgument, "samples", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         Update update = hostile.GoodUpdate(task);
         update.info.counts = {{0, 1'000'000'000'000, 1'000'000'000'000}};
         return hostile.SendUpdate(update);
       }},
      {"AnAbsurdNumberOfSamples", StatusCode::kInvalidArgument,
       "counts.samples", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         v1::UpdateHeader header = hostile.Header(hostile.GoodUpdate(task));
         header.mutable_info()->mutable_counts(0)->set_samples(
             1'000'000'000'000'000'000);
         return hostile.Send(header);
       }},
      {"AnotherTask", StatusCode::kFailedPrecondition, "another/round",
       Part::kOpen,
       [](Hostile& hostile, const Task& task) {
         Update update = hostile.GoodUpdate(task);
         update.info.task = {"another/round"};
         return hostile.SendUpdate(update);
       }},
      {"AnotherRound", StatusCode::kInvalidArgument, "is of round", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         Update update = hostile.GoodUpdate(task);
         update.info.round += 1;
         return hostile.SendUpdate(update);
       }},
  };
}

std::vector<Case> StreamsThatBreakOff() {
  return {
      {"AStreamThatStopsHalfWay", StatusCode::kInvalidArgument,
       "before its last byte", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         const Update update = hostile.GoodUpdate(task);
         return hostile.Send(hostile.Header(update),
                             Hostile::Chunk(update, 0, update.delta.size()));
       }},
      {"AnOversizedMessage", StatusCode::kResourceExhausted, "larger",
       Part::kOpen,
       [](Hostile& hostile, const Task& task) {
         v1::UpdateChunk chunk;
         chunk.set_data(std::string(kMaxMessageBytes + 1, 'x'));
         return hostile.Send(hostile.Header(hostile.GoodUpdate(task)), chunk);
       }},
      {"AnOversizedChunk", StatusCode::kResourceExhausted, "chunk", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         v1::UpdateChunk chunk;
         chunk.set_data(std::string(kMaxUpdateChunkBytes + 1, 'x'));
         return hostile.Send(hostile.Header(hostile.GoodUpdate(task)), chunk);
       }},
      {"ADamagedChunk", StatusCode::kDataLoss, "byte 0", Part::kOpen,
       [](Hostile& hostile, const Task& task) {
         const Update update = hostile.GoodUpdate(task);
         v1::UpdateChunk chunk = Hostile::Whole(update);
         chunk.set_xxh3_64(chunk.xxh3_64() ^ 1);
         return hostile.Send(hostile.Header(update), chunk);
       }},
  };
}

// Calls until one is refused: that one is an update, and ends mallory's part.
Status SendUntilRefused(Hostile& hostile, const v1::UpdateHeader& header) {
  Status end;
  for (int i = 0; i < 1000 && !absl::IsResourceExhausted(end); ++i) {
    end = hostile.Send(header);
  }
  return end;
}

std::vector<Case> Floods() {
  return {
      {"MoreCallsASecondThanItMay",
       StatusCode::kResourceExhausted,
       "mallory makes more than 5 calls a second",
       Part::kOver,
       [](Hostile& hostile, const Task& task) {
         Update update = hostile.GoodUpdate(task);
         update.info.task = {"another/round"};
         return SendUntilRefused(hostile, hostile.Header(update));
       },
       // A server under load has not yet ended all that she has.
       {.calls_per_second = kLimits.calls_per_second, .open_calls = 1000}},
      {"MoreOpenCallsThanItMay", StatusCode::kResourceExhausted,
       "mallory has 6 calls open", Part::kOver,
       [](Hostile& hostile, const Task& task) {
         return hostile.SendBesideSilentCalls(hostile.GoodUpdate(task), 20);
       }},
  };
}

std::vector<Case> CallersThatAreNotWhoTheySay() {
  return {
      {"AnothersName", StatusCode::kPermissionDenied, "c0", Part::kOpen,
       [](Hostile& hostile, const Task& task) {
         const Update update = hostile.GoodUpdate(task);
         EXPECT_THAT(hostile.Join(kProtocolVersion, "c0"),
                     HasCode(StatusCode::kPermissionDenied));
         return hostile.Send(hostile.Header(update), Hostile::Whole(update),
                             "c0");
       }},
      {"AnOlderProtocolVersion", StatusCode::kFailedPrecondition, "version 0",
       Part::kOpen,
       [](Hostile& hostile, const Task&) { return hostile.Join(0); }},
      {"AnUnknownCertificate", StatusCode::kUnavailable, "", Part::kOpen,
       [](Hostile& hostile, const Task&) {
         TestAuthority other;
         return JoinAs(hostile, other.Client("mallory"));
       }},
      {"AnExpiredCertificate", StatusCode::kUnavailable, "", Part::kOpen,
       [](Hostile& hostile, const Task&) {
         return JoinAs(hostile, hostile.bundles().Client("mallory", Days(365)));
       }},
  };
}

std::string NameOf(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Updates, HostileClientTest,
                         testing::ValuesIn(UpdatesThatBreakARule()), NameOf);
INSTANTIATE_TEST_SUITE_P(Streams, HostileClientTest,
                         testing::ValuesIn(StreamsThatBreakOff()), NameOf);
INSTANTIATE_TEST_SUITE_P(Floods, HostileClientTest, testing::ValuesIn(Floods()),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Callers, HostileClientTest,
                         testing::ValuesIn(CallersThatAreNotWhoTheySay()),
                         NameOf);

// The first of two different updates of one round counts, the second does not.
TEST(TwoUpdatesTest, TheFirstCounts) {
  const auto sends = [](bool twice) {
    return ModelWith([twice](Hostile& hostile) {
      hostile.TakePart(
          [twice](Hostile& self, const Task& task) {
            const Update update = self.GoodUpdate(task);
            EXPECT_OK(self.SendUpdate(update));
            if (!twice) return absl::AlreadyExistsError("a different update");
            Update second = update;
            second.delta[0] += 0.5F;
            return self.SendUpdate(second);
          },
          StatusCode::kAlreadyExists, "a different update", Part::kOver);
    });
  };
  const std::string once = sends(false);
  EXPECT_EQ(sends(true), once);
  EXPECT_NE(ModelWith(nullptr), once);
}

// By configuration what is too large is scaled down, and the log says so.
TEST(ClippedUpdateTest, CountsWithinTheBounds) {
  const auto sends = [](float value) {
    return ModelWith(
        [value](Hostile& hostile) {
          hostile.TakePart(
              [value](Hostile& self, const Task& task) {
                Update update = self.GoodUpdate(task);
                for (float& element : update.delta) element = value;
                EXPECT_OK(self.SendUpdate(update));
                return absl::AbortedError("as it should be");
              },
              StatusCode::kAborted, "", Part::kOver);
          for (const UpdateAcceptedEvent& event :
               hostile.server().events().Of<UpdateAcceptedEvent>()) {
            // What comes after mallory has had its say may be anything.
            if (event.round > 1) continue;
            const bool beyond = event.client.value == "mallory" && value > 16;
            EXPECT_EQ(event.clipped, beyond) << event.client.value;
          }
        },
        {.on_excess = OnExcess::kClip});
  };
  // 16 is validation.max_abs_delta; a power of two is scaled without rounding.
  EXPECT_EQ(sends(0x1p60F), sends(16.0F));
}

}  // namespace
}  // namespace fedgap
