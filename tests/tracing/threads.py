import threading


def step():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


timed(step, 1000)
