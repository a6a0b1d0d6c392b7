// For libraries that write to sockets as to files.
#ifndef FEDGAP_COMMON_BASE_WITHOUT_SIGPIPE_H_
#define FEDGAP_COMMON_BASE_WITHOUT_SIGPIPE_H_

#include <csignal>

namespace fedgap {

// OpenSSL, and what is built on it, writes to a socket that the peer has closed
// without MSG_NOSIGNAL, and SIGPIPE would end the process without a word. While
// this lives the signal is held back in this thread, and the write fails; what
// came of it is taken away at the end, if it was not there before. It is not
// ignored for good: `fedgap logs RUN | head` is to end by it.
class WithoutSigpipe {
 public:
  WithoutSigpipe();
  ~WithoutSigpipe();
  WithoutSigpipe(const WithoutSigpipe&) = delete;
  WithoutSigpipe& operator=(const WithoutSigpipe&) = delete;

 private:
  sigset_t pipe_;
  sigset_t before_;
  bool was_pending_ = false;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_WITHOUT_SIGPIPE_H_
