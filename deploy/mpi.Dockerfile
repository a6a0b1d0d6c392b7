# An image for the MPI operator's launcher and workers, from the Debian packages:
#   ./run package
#   docker build -f deploy/mpi.Dockerfile -t fedgap-mpi build/packages
FROM debian:bookworm-slim
COPY fedgap-tools_*.deb fedgap-mpi_*.deb /tmp/packages/
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      /tmp/packages/*.deb openssh-client openssh-server \
    && rm -rf /tmp/packages /var/lib/apt/lists/* /var/cache/apt/* /etc/ssh/ssh_host_*
# Ranks are started by ssh as an ordinary user, on a port that needs no root. The
# operator mounts the job's own key pair at ~/.ssh, which belongs to root there:
# hence StrictModes. Host keys are made when a worker starts.
RUN useradd --uid 10001 --create-home mpiuser && mkdir -p /runs && chown mpiuser /runs \
    && printf '%s\n' 'Port 2222' 'HostKey ~/hostkey' 'PidFile none' 'StrictModes no' \
      'UsePAM no' 'PasswordAuthentication no' 'AuthorizedKeysFile /home/mpiuser/.ssh/authorized_keys' \
      | sed 's|~|/home/mpiuser|' >/home/mpiuser/.sshd_config \
    && printf '%s\n' 'Host *' '  Port 2222' '  StrictHostKeyChecking no' '  UserKnownHostsFile /dev/null' \
      '  LogLevel ERROR' >/etc/ssh/ssh_config.d/fedgap.conf \
    && printf '%s\n' '#!/bin/sh' '[ -e ~/hostkey ] || ssh-keygen -q -t ed25519 -N "" -f ~/hostkey' \
      'exec /usr/sbin/sshd -De -f ~/.sshd_config' >/usr/local/bin/worker \
    && chmod 755 /usr/local/bin/worker
USER 10001:10001
WORKDIR /home/mpiuser
CMD ["worker"]
