import Foundation
import SandboxTestSupport

/// Threat list E: what a job can reach over sockets, shared objects and its environment.
enum NetworkAttempts {
    static let all: [Attempt] = internet + unix + shared + families + environment

    private static let stream = Int32(SOCK_STREAM.rawValue)
    private static let datagram = Int32(SOCK_DGRAM.rawValue)

    /// A listener of the scene; every run makes its own.
    @Sendable private static func listener(_ scene: Scene) throws -> SocketCanary {
        guard let canary = scene.socketCanaries.first else { throw TestFailure("the scene has no listener") }
        return canary
    }

    private static func listening(
        _ address: SocketCanary.Address,
        _ type: Int32
    ) -> @Sendable (Scene) throws -> Void {
        { scene in scene.keep(try SocketCanary(address, type: type)) }
    }

    @Sendable private static func heard(_ scene: Scene, _ result: RunResult) throws -> Bool {
        scene.socketCanaries.map { $0.wasReached() }.contains(true)
    }

    @Sendable private static func port(_ scene: Scene) throws -> [String] { ["\(try listener(scene).port)"] }

    private static let internet: [Attempt] = [
        Attempt(
            "E1",
            "connects to a service on the host's loopback",
            .network,
            "tcp",
            prepare: listening(.loopback, stream),
            arguments: port,
            inside: [
                "ipv4": ["ECONNREFUSED"], "ipv4_zero": ["ECONNREFUSED"], "ipv4_other": ["ECONNREFUSED"],
                "ipv6_mapped": ["ECONNREFUSED"],
            ],
            outside: ["ipv4_other": ["ECONNREFUSED"]],
            reached: heard
        ),
        Attempt(
            "E1",
            "connects to a service on the host's IPv6 loopback",
            .network,
            "tcp6",
            prepare: { scene in
                do {
                    scene.keep(try SocketCanary(.loopback6, type: stream))
                } catch {
                    throw HostForbids("the host has no IPv6 loopback: \(error)")
                }
            },
            arguments: port,
            inside: ["ipv6": ["ECONNREFUSED", "EADDRNOTAVAIL", "ENETUNREACH"]],
            reached: heard
        ),
        Attempt(
            "E1",
            "connects to the host by its address in a network",
            .network,
            "host-address",
            prepare: listening(.anywhere, stream),
            arguments: { scene in
                guard let address = hostAddress() else { throw HostForbids("the host has no address in a network") }
                return try port(scene) + [address]
            },
            inside: ["tcp": ["ENETUNREACH"]],
            reached: heard
        ),
        Attempt(
            "E1",
            "sends datagrams to the host's loopback",
            .network,
            "udp",
            prepare: listening(.loopback, datagram),
            arguments: port,
            // Nobody listens on the job's own loopback; a datagram sent there is lost without an error.
            inside: ["udp": ["ok"], "udp_zero": ["ok"]],
            reached: heard
        ),
        Attempt(
            "E1",
            "finds a way into a network",
            .network,
            "routes",
            inside: ["documentation": ["ENETUNREACH"], "private": ["ENETUNREACH"]],
            absent: ["documentation": ["ENETUNREACH"], "private": ["ENETUNREACH"]]
        ),
        Attempt(
            "E1",
            "finds a way to a cloud's metadata",
            .network,
            "metadata",
            inside: ["metadata": ["ENETUNREACH"]],
            absent: ["metadata": ["ENETUNREACH"]]
        ),
        Attempt(
            "E2",
            "connects by TCP Fast Open and MPTCP, which Landlock does not see",
            .network,
            "others",
            prepare: listening(.loopback, stream),
            arguments: port,
            inside: ["fast_open": ["ECONNREFUSED"], "mptcp": ["ECONNREFUSED", "EPERM", "EACCES", "EPROTONOSUPPORT"]],
            absent: ["fast_open": ["EOPNOTSUPP"], "mptcp": ["EPROTONOSUPPORT", "ENOPROTOOPT"]],
            reached: heard
        ),
    ]

    private static let unix: [Attempt] = [
        Attempt(
            "E3",
            "connects to abstract sockets of the host",
            .network,
            "abstract",
            prepare: { scene in
                scene.keep(try SocketCanary(.abstract(scene.token + "-stream"), type: stream))
                scene.keep(try SocketCanary(.abstract(scene.token + "-datagram"), type: datagram))
                let sequence = Int32(SOCK_SEQPACKET.rawValue)
                scene.keep(try SocketCanary(.abstract(scene.token + "-sequence"), type: sequence))
            },
            arguments: { ["\($0.token)-stream", "\($0.token)-datagram", "\($0.token)-sequence"] },
            inside: ["stream": ["ECONNREFUSED"], "datagram": ["ECONNREFUSED"], "sequence": ["ECONNREFUSED"]],
            reached: heard
        ),
        Attempt(
            "E3",
            "lists the sockets of the host",
            .network,
            "listed",
            prepare: { $0.keep(try SocketCanary(.abstract($0.token), type: stream)) },
            inside: ["names": ["none"]]
        ),
        Attempt(
            "E4",
            "connects to a socket by its path",
            .network,
            "pathname",
            prepare: { try $0.keepSocket(at: $0.outside + "/socket") },
            arguments: { [$0.outside + "/socket"] },
            inside: ["connect": ["ENOENT"]],
            after: { scene, _ in
                // The canary's folder is compared with what it was.
                try FileManager.default.removeItem(atPath: scene.outside + "/socket")
                return []
            },
            reached: heard
        ),
        Attempt(
            "E4",
            "looks for sockets of agents and buses",
            .network,
            "sockets",
            prepare: { try $0.keepSocket(at: $0.home + "/agent") },
            arguments: { _ in ["/"] },
            controlArguments: { [$0.folder] },
            inside: ["sockets": ["none"]],
            environment: {
                [
                    "SSH_AUTH_SOCK": $0.home + "/agent", "XDG_RUNTIME_DIR": $0.home,
                    "DBUS_SESSION_BUS_ADDRESS": "unix:path=\($0.home)/agent", "DISPLAY": ":0",
                    "DOCKER_HOST": "unix://\($0.home)/agent",
                ]
            },
            after: { _, result in result.values("named") }
        ),
    ]

    private static let shared: [Attempt] = [
        Attempt(
            "E6",
            "uses System V objects of the host",
            .network,
            "sysv",
            prepare: { _ = try ProcessCanary("ipc", in: $0) },
            arguments: {
                guard let canary = $0.processCanary else { throw TestFailure("the scene has no IPC objects") }
                return [try canary.fact("shm"), try canary.fact("queue"), try canary.fact("semaphore")]
            },
            inside: ["shm": ["EINVAL"], "queue": ["EINVAL"], "semaphore": ["EINVAL"]],
            leaks: true,
            reached: { scene, _ in try scene.processCanary?.wasReached() ?? false }
        ),
        Attempt(
            "E6",
            "opens a POSIX message queue of the host",
            .network,
            "message-queue",
            prepare: { _ = try ProcessCanary("ipc", in: $0) },
            arguments: { [$0.token] },
            inside: ["open": ["ENOENT"]]
        ),
        Attempt(
            "E6",
            "reads POSIX shared memory of the host",
            .network,
            "posix-shm",
            prepare: { _ = try ProcessCanary("ipc", in: $0) },
            arguments: { [$0.token] },
            inside: ["open": ["ENOENT"]],
            leaks: true
        ),
    ]

    private static let families: [Attempt] = [
        Attempt(
            "E8",
            "opens sockets of other families and netlink protocols",
            .network,
            "families",
            inside: ["family": ["EAFNOSUPPORT"], "netlink": ["EPROTONOSUPPORT"]],
            outside: [
                "family": ["ok", "EAFNOSUPPORT", "ESOCKTNOSUPPORT", "ENODEV", "EPERM", "EPROTONOSUPPORT", "EACCES"],
                "netlink": ["ok", "EPROTONOSUPPORT", "EPERM"],
            ],
            reached: { _, result in (result.values("family") + result.values("netlink")).contains("ok") }
        ),
        Attempt(
            "E8",
            "opens packet and raw sockets",
            .network,
            "raw-sockets",
            control: .root,
            inside: ["packet": ["EAFNOSUPPORT"], "icmp_raw": ["EPERM"]]
        ),
        Attempt(
            "E8",
            "hides a family behind bits the kernel does not look at",
            .network,
            "high-bits",
            inside: ["vsock": ["EAFNOSUPPORT"], "netlink_audit": ["EPROTONOSUPPORT"]],
            absent: ["vsock": ["EAFNOSUPPORT", "ENODEV"], "netlink_audit": ["EPROTONOSUPPORT"]]
        ),
    ]

    private static let environment: [Attempt] = [
        Attempt(
            "E13",
            "finds credentials in its environment",
            .network,
            "environment",
            arguments: { [String($0.token.reversed())] + credentials },
            inside: Dictionary(uniqueKeysWithValues: credentials.map { ($0, ["absent"]) })
                .merging(["found": ["nothing"]]) { $1 },
            environment: { scene in
                Dictionary(uniqueKeysWithValues: credentials.map { ($0, scene.token) })
            },
            after: { scene, _ in try scene.recordsHolding(scene.token) },
            reached: { _, result in result.values("found") == ["ok"] }
        )
    ]

    private static let credentials = [
        "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "OPENAI_API_KEY", "DATABASE_PASSWORD", "SSH_AUTH_SOCK",
        "GIT_SSH_COMMAND", "GIT_CONFIG_PARAMETERS", "HTTPS_PROXY", "KUBECONFIG", "UNHEARD_OF",
    ]

    /// The first IPv4 address of the host that is not loopback.
    private static func hostAddress() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var next = list
        while let entry = next {
            next = entry.pointee.ifa_next
            guard let address = entry.pointee.ifa_addr, address.pointee.sa_family == sa_family_t(AF_INET),
                entry.pointee.ifa_flags & UInt32(IFF_LOOPBACK) == 0
            else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            guard getnameinfo(address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else {
                continue
            }
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return nil
    }
}
