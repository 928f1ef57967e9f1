"""What the dashboards of `panels.py` look at: six hours of hosts, containers, a house and a factory, and
a spring of the house by the hour. No two series of a measurement have the same float at the same time."""

import math
import random

START_S = 1_718_000_000
END_S = START_S + 6 * 3600
STEP_S = 30
HOSTS = ("db-1", "web-1", "web-2")
# 2024-03-20T00:00:00Z: the clocks of Berlin change eleven days later.
SPRING_S = 1_710_892_800
SPRING_HOURS = 24 * 40


def quantity(r, level, swing, step):
    return level + swing * math.sin(step / 60) + r.random()


def points():
    """Lines of six hours: the most important measurements of all four, which `tests/speed` has, too."""
    r = random.Random(50)
    counters = {}

    def counter(key, most):
        counters[key] = counters.get(key, r.randrange(10**6)) + r.randrange(most)
        return counters[key]

    for step in range((END_S - START_S) // STEP_S):
        time = (START_S + step * STEP_S) * 10**9
        for number, host in enumerate(HOSTS):
            tags = f"host={host},dc={'fra' if number < 2 else 'ams'}"
            idle = quantity(r, 60 + 9 * number, 20, step)
            yield f"cpu,cpu=cpu-total,{tags} usage_idle={idle!r},usage_user={(100 - idle) * 0.7!r},usage_iowait={r.random()!r} {time}"
            for core in range(2):
                yield f"cpu,cpu=cpu{core},{tags} usage_idle={quantity(r, 50 + core, 20, step)!r} {time}"
            used = 4 * 10**9 + number * 10**8 + r.randrange(10**7)
            yield f"mem,{tags} used={used}i,total=16000000000i,used_percent={used / 16e7!r} {time}"
            yield f"net,interface=eth0,{tags} bytes_recv={counter(host + 'r', 90_000)}i,bytes_sent={counter(host + 's', 40_000)}i {time}"
            yield f"system,{tags} load1={quantity(r, 1 + number, 0.5, step)!r},uptime={step * STEP_S + 1000 * number}i {time}"
            if step % 10 == 0:
                for mount in ("/", "/var"):
                    yield f"disk,path={mount},fstype=ext4,{tags} used_percent={40 + 5 * number + step / 100 + len(mount) + r.random()!r},free={10**11 - step * 1000 - number}i {time}"
        for number, name in enumerate(("api", "db", "cache", "worker")):
            tags = f"container_name={name},com.docker.compose.project=shop,engine_host=web-{1 + number % 2}"
            yield f"docker_container_cpu,{tags} usage_percent={quantity(r, 10 * number + 5, 4, step)!r},throttling_periods={counter(name + 't', 5)}i {time}"
            yield f"docker_container_mem,{tags} usage={(number + 1) * 10**8 + r.randrange(10**7)}i,limit=2000000000i {time}"
            if step == 300:
                yield f'docker_container_status,{tags} uptime_ns={step * 10**9 + number}i,oom_killed=false,started="2024-06-10T0{number}:00:00Z" {time}'
        if step % 2 == 0:
            for number, room in enumerate(("kitchen", "bath", "living room", "attic")):
                place = room.replace(" ", "\\ ")
                humid = "" if room == "attic" else f",humidity={quantity(r, 45 + number, 8, step)!r}"
                yield f"climate,room={place},floor={number // 2} temperature={quantity(r, 20 + number, 2, step)!r}{humid} {time}"
            watts = quantity(r, 400, 150, step)
            yield f"power,phase=L1 watts={watts!r},kwh={1000 + step / 120!r} {time}"
            yield f"power,phase=L2 watts={watts / 3!r},kwh={500 + step / 500!r} {time}"
        if step % 97 == 5:
            yield f'door,name=front open={"true" if step % 2 else "false"},by="{r.choice(["anna", "ben"])}" {time}'
        if step % 60 == 1:
            yield f"°C,place=garden value={quantity(r, 12, 6, step)!r} {time}"
        for number, machine in enumerate(("press-1", "press-2", "oven")):
            tags = f"line=A,machine={machine}" if number < 2 else f"machine={machine}"
            state = "running" if (step // 50 + number) % 4 else "stopped"
            yield f'machine,{tags} state="{state}",speed={quantity(r, 100 + 10 * number, 20, step)!r},parts={counter(machine, 3)}i,rejected={r.randrange(2)}i {time}'
            if step % 40 == 3:
                yield f'alarm,{tags},level={r.choice(["warn", "crit"])} text="{r.choice(["too hot", "door <open>", "no oil"])}",code={100 + step % 7 + number}i {time}'


class Counters:
    """Counters that only grow, but for a restart."""

    def __init__(self, r):
        self.r = r
        self.values = {}

    def grow(self, key, most):
        self.values[key] = self.values.get(key, self.r.randrange(10**6)) + self.r.randrange(1, most)
        return self.values[key]

    def restart(self, beginning):
        for key in self.values:
            if key.startswith(beginning):
                self.values[key] = 0


def of_hosts(r, counters, step):
    for number, host in enumerate(HOSTS):
        if host == "web-2" and step == 400:
            counters.restart(host)
        for name in ("sda", "nvme0n1"):
            key = f"{host} {name} "
            fields = ",".join(f"{field}={counters.grow(key + field, most)}i" for field, most in (
                ("reads", 300), ("writes", 900), ("read_bytes", 10**6), ("write_bytes", 10**7), ("io_time", 30_000)))  # fmt: skip
            yield f"diskio,host={host},name={name} {fields}"
        running, sleeping, blocked = r.randrange(1, 9), 150 + r.randrange(40) + number, r.choice([0, 0, 0, 1, 2])
        yield f"processes,host={host} running={running}i,sleeping={sleeping}i,blocked={blocked}i,zombies={r.choice([0, 0, 0, 1])}i,total={running + sleeping + blocked}i"
        if number:
            yield f"swap,host={host} used_percent={quantity(r, 3 * number, 1, step)!r},in={counters.grow(host + ' in', 4096)}i,out={counters.grow(host + ' out', 4096)}i"
        yield f"kernel,host={host} boot_time={1_717_000_000 + number * 1000}i,context_switches={counters.grow(host + ' switches', 10**6)}i,interrupts={counters.grow(host + ' interrupts', 10**5)}i"
        yield f"netstat,host={host} tcp_established={40 + 10 * number + r.randrange(10)}i,tcp_time_wait={r.randrange(60)}i"


def of_services(r, counters, step):
    for number, url in enumerate(("example.org", "10.0.0.1", "db-1.fra")):
        # Nobody answers for twenty minutes.
        if url == "10.0.0.1" and 200 <= step < 240:
            yield f"ping,url={url} percent_packet_loss=100,result_code=1i"
        else:
            yield f"ping,url={url} average_response_ms={quantity(r, 5 + 20 * number, 3, step)!r},percent_packet_loss={r.choice([0, 0, 0, 0, 20]) + number / 8!r},result_code=0i"
    for number, server in enumerate(("https://shop.example/", "https://shop.example/cart?id\\=1")):
        code = r.choice([200, 200, 200, 200, 500, 503])
        result = "success" if code == 200 else "response_status_code_mismatch"
        yield f'http_response,server={server},method=GET,status_code={code},result={result} response_time={0.05 * (1 + number) + r.random() / 9!r},http_response_code={code}i,result_type="{result}"'
    for number, host in enumerate(HOSTS[1:]):
        yield f"nginx,host={host},port=80 active={20 + r.randrange(30)}i,waiting={r.randrange(15)}i,requests={counters.grow(host + ' requests', 5000)}i,handled={counters.grow(host + ' handled', 2000)}i"
    for number, db in enumerate(("shop", "stats")):
        yield f"postgresql,db={db},host=db-1 numbackends={3 + number + r.randrange(6)}i,xact_commit={counters.grow('db ' + db, 900)}i,blks_hit={counters.grow('hit ' + db, 90_000)}i,blks_read={counters.grow('read ' + db, 900)}i"


def of_containers(r, counters, step):
    for number, name in enumerate(("api", "db", "cache", "worker")):
        tags = f"container_name={name},engine_host=web-{1 + number % 2}"
        if step == 360 and name == "worker":
            counters.restart(name)
        yield f"docker_container_net,{tags},network=eth0 rx_bytes={counters.grow(name + ' rx', 500_000)}i,tx_bytes={counters.grow(name + ' tx', 300_000)}i,rx_dropped=0i"
        yield f"docker_container_blkio,{tags},device=total io_service_bytes_recursive_read={counters.grow(name + ' r', 40_000)}i,io_service_bytes_recursive_write={counters.grow(name + ' w', 90_000)}i"
        if step % 20 == 0:
            health = r.choice(["healthy", "healthy", "unhealthy"])
            yield f'docker_container_health,{tags} health_status="{health}",failing_streak={r.randrange(3)}i'
    yield f"docker,engine_host=web-1 n_containers=6i,n_containers_running={r.randrange(3, 5)}i,n_images={20 + step // 200}i,memory_total=16000000000i"
    # Pods come and go.
    for number in range(3):
        pod = f"shop-{(step // 120 + number) % 8}"
        yield f"kubernetes_pod_container,namespace=prod,pod_name={pod},container_name=app cpu_usage_nanocores={quantity(r, 4e8, 1e8, step + 40 * number)!r},memory_usage_bytes={2 * 10**8 + number * 10**6 + r.randrange(10**6)}i,restarts_total={step // 300}i"


def of_a_house(r, counters, step):
    for number, (entity, name) in enumerate((("fridge_power", "Fridge"), ("tv_power", "TV\\ set"), ("desk_power", "Desk"))):
        if number != 1 or 100 <= step % 400 < 300:
            yield f"W,domain=sensor,entity_id={entity},friendly_name={name} value={quantity(r, 60 + 50 * number, 40, step + 30 * number)!r}"
    if step % 20 == 0:
        for number, entity in enumerate(("motion_battery", "door_battery", "remote_battery")):
            yield f'%,domain=sensor,entity_id={entity} value={90 - 20 * number - step / 200!r},device_class_str="battery"'
    for number, room in enumerate(("kitchen", "bath", "bedroom")):
        if r.random() < 0.04:
            yield f"window,room={room} open={r.choice(['true', 'false'])}"
        if step % 4 == 0:
            mode = ("eco", "comfort", "off")[(step // 180 + number) % 3]
            yield f'heating,room={room} mode="{mode}",setpoint={18 + (step // 180 + number) % 3}.5,valve={r.randrange(101)}i,is_on={"false" if mode == "off" else "true"}'
    if step % 10 == 0:
        rain = (step % 480) * 0.01
        yield f"weather,station=roof temperature={quantity(r, 15, 7, step)!r},wind={abs(quantity(r, 3, 3, step))!r},gust={quantity(r, 9, 4, step)!r},rain_today={rain!r},pressure={1013 + r.random()!r},direction=\"{r.choice(['N', 'NE', 'W', 'SW'])}\""
    yield f"water,meter=main liters={counters.grow('water', 6)}i"
    sun = max(0.0, quantity(r, 300, 2000, step))
    yield f"solar,string=east dc_power={sun!r},dc_voltage={quantity(r, 380, 5, step)!r}"
    yield f"solar,string=west dc_power={sun * 0.7!r},dc_voltage={quantity(r, 390, 5, step)!r}"
    if step % 2 == 0:
        yield f"mqtt_consumer,topic=zigbee2mqtt/kitchen/plug,host=pi power={quantity(r, 30, 20, step)!r},linkquality={100 + r.randrange(100)}i,state=\"{r.choice(['ON', 'OFF'])}\""
        yield f"mqtt_consumer,topic=zigbee2mqtt/hall/motion,host=pi occupancy={r.choice(['true', 'false'])},illuminance={r.randrange(900)}i,linkquality={40 + r.randrange(50)}i"


def of_a_factory(r, counters, step):
    for number, station in enumerate(("weld-1", "weld-2", "pack")):
        # The counter starts anew with each shift of two hours.
        if step % 240 == 0:
            counters.restart(station)
        shift = ("early", "late", "night")[step // 240]
        yield f'station,station={station},shift={shift} good={counters.grow(station + " good", 7)}i,bad={counters.grow(station + " bad", 2)}i,cycle_s={quantity(r, 12 + number, 2, step)!r},operator="{("kim", "lee", "ada")[(step // 240 + number) % 3]}"'
        if step % 6 == 2 * number:
            is_ok = r.random() < 0.9
            yield f'torque,station={station},tool=T{number} nm={quantity(r, 40, 3, step)!r},angle={quantity(r, 90, 9, step)!r},ok={str(is_ok).lower()},serial="SN{step:04}{number}"'
    if step % 24 == 8:
        number = step // 24
        yield f'orders,customer={"acme" if number % 3 else "umbrella"} number="A-{1000 + number}",quantity={10 + number * 3}i,price={99.5 + number * 7!r},done={"true" if number % 4 else "false"}'
    for number, tank in enumerate(("T1", "T2")):
        yield f"tank,tank={tank} level={quantity(r, 60 - 20 * number, 15, step)!r},temperature={quantity(r, 70 + number, 4, step)!r},valve={'true' if (step // 30 + number) % 3 else 'false'}"
    for axis in "xyz":
        yield f"vibration,machine=press-1,axis={axis} rms={quantity(r, 2, 0.5, step + 17 * ord(axis))!r},peak={quantity(r, 6, 2, step + 17 * ord(axis))!r}"
    for number, line in enumerate("AB"):
        yield f"meter,line={line} kwh={5000 + 900 * number + step * (0.5 + number / 4)!r},kw={quantity(r, 30 + 15 * number, 6, step)!r},cos_phi={0.9 + r.random() / 20!r}"
    if step % 53 == 11:
        message = r.choice(['E42: \\"axis\\" blocked', "mode manual", "mode auto", "Störung Förderband"])
        yield f'plc_event,plc=S7-{1 + step // 2 % 2},severity={r.choice(["info", "warning", "error"])} message="{message}",acknowledged={r.choice(["true", "false"])}'
        yield f'deploys,service=shop title="release {step}",text="by <b>ci</b>",tags="deploy,shop",version={step}i'


def more_points():
    """Lines of the same six hours, one per minute and series."""
    r = random.Random(51)
    counters = Counters(r)
    for step in range(0, (END_S - START_S) // STEP_S, 2):
        for lines in (of_hosts, of_services, of_containers, of_a_house, of_a_factory):
            for number, line in enumerate(lines(r, counters, step)):
                yield f"{line} {(START_S + step * STEP_S) * 10**9}"


def spring():
    """Lines of forty days, one per hour and series: meters of the house."""
    r = random.Random(52)
    grid = solar = 0.0
    for hour in range(SPRING_HOURS):
        time = (SPRING_S + hour * 3600) * 10**9
        grid += 0.2 + r.random()
        solar += max(0.0, math.sin((hour % 24 - 6) / 12 * math.pi)) * (1 + r.random())
        yield f"energy,meter=grid kwh={1234 + grid!r} {time}"
        yield f"energy,meter=solar kwh={77 + solar!r} {time}"
        yield f"outdoor,place=garden temperature={8 + hour / 100 + 6 * math.sin((hour % 24 - 9) / 12 * math.pi) + r.random()!r} {time}"


def everything():
    yield from points()
    yield from more_points()
    yield from spring()
