// Made from packaging/systemd/* by scripts/embed-units; change those and run it again.

/// The units as the package installs them.
enum PackagedUnits {
    static let service = #"""
        # The workspace API of codex-sandbox, as a service of one user. `codex-sandbox service install` writes the same with its own
        # paths; settings stand in ~/.config/codex-sandbox/service.env.
        [Unit]
        Description=Workspace API of codex-sandbox
        # It opens what jobs have made, and must not do so with root's rights.
        ConditionUser=!root
        # The sockets are the manager's: no client is refused while the service is away.
        Requires=codex-sandbox.socket
        After=codex-sandbox.socket
        StartLimitIntervalSec=60
        StartLimitBurst=10

        [Service]
        Type=notify
        NotifyAccess=main
        EnvironmentFile=-%E/codex-sandbox/service.env
        # Absolute: what StateDirectory= means changed between systemd 252 and 257.
        ExecStart=/usr/bin/codex-sandbox serve --listen fd --state-dir %h/.local/state/codex-sandbox --data-dir %h/.local/state/codex-sandbox/serve --env-file=-%E/codex-sandbox/service.env
        ExecReload=/bin/kill -HUP $MAINPID
        Restart=on-failure
        RestartSec=500ms
        WatchdogSec=60
        # To the server only: it ends the jobs by their teardown, with their records. What is left then is killed.
        KillMode=mixed
        # Above what the server takes for it; with STOP_JOBS=finish it asks for as much more as STOP_TIME says.
        TimeoutStopSec=45
        # Each job is a group below this one.
        Delegate=yes
        # A job that is out of memory ends; the server goes on.
        OOMPolicy=continue
        LimitNOFILE=65536
        LimitCORE=1
        UMask=0077
        # What holds in a user's manager beside unprivileged user namespaces. docs/operations.md names what does not, and why.
        NoNewPrivileges=yes
        KeyringMode=private
        RestrictRealtime=yes
        RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
        SystemCallArchitectures=native
        SystemCallFilter=~@clock @cpu-emulation @module @obsolete @raw-io @reboot @swap
        SystemCallErrorNumber=EPERM

        [Install]
        WantedBy=default.target
        Also=codex-sandbox.socket

        """#

    static let socket = #"""
        # The addresses of the workspace API of codex-sandbox. Only the user's own programs, and root's, are answered without a token.
        [Unit]
        Description=Sockets of the workspace API of codex-sandbox
        ConditionUser=!root

        [Socket]
        ListenStream=%t/codex-sandbox/api.sock
        ListenStream=127.0.0.1:8000
        FileDescriptorName=api
        SocketMode=0600
        DirectoryMode=0700
        Backlog=4096
        RemoveOnStop=yes

        [Install]
        WantedBy=sockets.target

        """#
}
