import multiprocessing
import socket
import tempfile
import threading
import unittest

import temperatures


class Reading(unittest.TestCase):
    def test_readings_are_grouped_by_place(self):
        self.assertEqual(temperatures.read(["a,1", "b,2", "a,3"]), {"a": [1.0, 3.0], "b": [2.0]})

    def test_a_bad_line_is_named(self):
        with self.assertRaisesRegex(ValueError, "line 2: 'warm' is no number"):
            temperatures.read(["a,1", "a,warm"])


class Reporting(unittest.TestCase):
    def test_mean_and_highest(self):
        self.assertIn("| a | 2 | 2.0 | 3.0 |", temperatures.report({"a": [1.0, 3.0]}))

    def test_summaries_in_worker_processes(self):
        with multiprocessing.Pool(2) as pool:
            self.assertEqual(pool.map(len, [[1.0], [1.0, 2.0]]), [1, 2])


class Surroundings(unittest.TestCase):
    """What projects do in their tests, and a sandbox must not break."""

    def test_own_server_on_loopback(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def answer():
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"hello")
            thread = threading.Thread(target=answer)
            thread.start()
            with socket.create_connection(server.getsockname()) as client:
                self.assertEqual(client.recv(5), b"hello")
            thread.join()

    def test_temporary_files(self):
        with tempfile.NamedTemporaryFile("w+") as file:
            file.write(temperatures.report({"a": [1.0]}))
            file.seek(0)
            self.assertEqual(len(file.readlines()), 3)
