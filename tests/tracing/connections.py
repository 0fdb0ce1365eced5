import socket

server = socket.create_server(("127.0.0.1", 0), backlog=100)


def step():
    with socket.socket() as client:
        client.connect(server.getsockname())
        server.accept()[0].close()


timed(step, 3000)
