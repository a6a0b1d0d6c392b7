// A call of streams both ways whose messages may be bytes as they are sent.
#ifndef FEDGAP_CLIENT_RPC_BLOCKING_STREAM_H_
#define FEDGAP_CLIENT_RPC_BLOCKING_STREAM_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <memory>
#include <string>

namespace fedgap {

// What the generated stub's ClientReaderWriter does, for messages that it has
// no types for: grpc::ByteBuffer leaves a message's largest field where it
// stands. A call with one request or one reply is the same on the wire. One
// thread at a time.
template <typename Request, typename Reply>
class BlockingStream {
 public:
  // Begins the call; `method` is "/package.Service/Method", `context` outlives
  // the stream.
  BlockingStream(const std::shared_ptr<grpc::Channel>& channel,
                 grpc::ClientContext* context, const std::string& method)
      : call_(grpc::TemplatedGenericStub<Request, Reply>(channel).PrepareCall(
            context, method, &queue_)) {
    call_->StartCall(this);
    is_open_ = Wait();
  }
  ~BlockingStream() {
    call_.reset();
    queue_.Shutdown();
    Wait();
  }
  BlockingStream(const BlockingStream&) = delete;
  BlockingStream& operator=(const BlockingStream&) = delete;

  // False: the call has ended, and Finish says how.
  bool Write(const Request& message) {
    if (!is_open_) return false;
    call_->Write(message, this);
    return Wait();
  }
  // The same, and no more will be written.
  bool WriteLast(const Request& message) {
    if (!is_open_) return false;
    call_->WriteLast(message, grpc::WriteOptions(), this);
    return Wait();
  }
  // The next message. False: there is none, for the call has ended.
  bool Read(Reply* message) {
    if (!is_open_) return false;
    call_->Read(message, this);
    return Wait();
  }
  // How the call ended, once it has. To be called before the end of every
  // stream: after Write or Read has said that it has ended, the last message
  // was read, or the call was cancelled.
  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, this);
    Wait();
    return status;
  }

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }

  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<Request, Reply>> call_;
  bool is_open_ = false;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_RPC_BLOCKING_STREAM_H_
