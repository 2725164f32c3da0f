"""What is expected is what flannel's mk-docker-opts.sh has printed, copied from a terminal."""

import os

import pytest
from click.testing import CliRunner

from hostgw_cli.__main__ import main
from hostgw_cli.docker_words import options, subnet_env

SUBNET_ENV = """\
FLANNEL_NETWORK=10.244.0.0/16
FLANNEL_SUBNET=10.244.7.1/24
FLANNEL_MTU=1500
FLANNEL_IPMASQ=true
"""
DUAL = SUBNET_ENV + "FLANNEL_IPV6_NETWORK=fd00:5::/48\nFLANNEL_IPV6_SUBNET=fd00:5:0:7::1/64\n"
INDIVIDUAL = """\
DOCKER_OPT_BIP="--bip=10.244.7.1/24"
DOCKER_OPT_IPMASQ="--ip-masq=false"
DOCKER_OPT_MTU="--mtu=1500"
"""
COMBINED = 'DOCKER_OPTS=" --bip=10.244.7.1/24 --ip-masq=false --mtu=1500"\n'


@pytest.fixture
def ask(tmp_path):
    """Call the command on a subnet.env; give its result, and the file it wrote."""
    target = tmp_path / "docker.env"

    def call(*flags, text=SUBNET_ENV, **environ):
        source = tmp_path / "subnet.env"
        source.write_text(text)
        argv = ["docker-options", "-f", str(source), "-d", str(target), *flags]
        done = CliRunner().invoke(main, argv, env={"DOCKER_OPTS": None, **environ})
        return done, target.read_text() if target.exists() else None

    return call


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], INDIVIDUAL + COMBINED),
        (["-i"], INDIVIDUAL),
        (["-c"], COMBINED),
        (["-i", "-c"], INDIVIDUAL + COMBINED),
        (["-k", "DOCKER_NETWORK_OPTIONS"], INDIVIDUAL + "DOCKER_NETWORK_OPTIONS" + COMBINED[11:]),
        (
            ["-m"],
            INDIVIDUAL.replace('DOCKER_OPT_IPMASQ="--ip-masq=false"\n', "")
            + COMBINED.replace(" --ip-masq=false", ""),
        ),
    ],
)
def test_each_flag_gives_the_scripts_file(ask, flags, expected):
    """The file is the script's, byte for byte; where it is and what is in it is told a person."""
    done, written = ask(*flags)
    assert (done.exit_code, done.stdout, written) == (0, "", expected)
    assert "docker.env: --bip=10.244.7.1/24 " in done.stderr


def test_options_of_the_environment_are_taken_along(ask):
    """The script adds DOCKER_OPT_... of its environment, and puts what DOCKER_OPTS held first."""
    _, written = ask(DOCKER_OPTS="-H x", DOCKER_OPT_LOG="--log-level=debug")
    assert written == (
        'DOCKER_OPT_BIP="--bip=10.244.7.1/24"\n'
        'DOCKER_OPT_IPMASQ="--ip-masq=false"\n'
        'DOCKER_OPT_LOG="--log-level=debug"\n'
        'DOCKER_OPT_MTU="--mtu=1500"\n'
        'DOCKER_OPTS="-H x  --bip=10.244.7.1/24 --ip-masq=false --log-level=debug --mtu=1500"\n'
    )
    _, written = ask("-k", "X", "-c", DOCKER_OPTS="-H x")
    assert written == 'X=" --bip=10.244.7.1/24 --ip-masq=false --mtu=1500"\n'


def test_docker_masquerades_where_hostgwd_does_not(ask):
    """Exactly one of the two does."""
    _, written = ask("-c", text=SUBNET_ENV.replace("IPMASQ=true", "IPMASQ=false"))
    assert written == 'DOCKER_OPTS=" --bip=10.244.7.1/24 --ip-masq=true --mtu=1500"\n'


def test_the_ipv6_subnet_is_dockers_as_well(ask):
    """With an IPv6 subnet dockerd gets IPv6; the script would leave it out."""
    done, written = ask("--print", text=DUAL)
    assert done.output == (
        "--bip=10.244.7.1/24 --fixed-cidr-v6=fd00:5:0:7::/64 --ip-masq=false --ipv6 --mtu=1500\n"
    )
    assert written is None
    only = "FLANNEL_IPV6_SUBNET=fd00:5:0:7::1/64\nFLANNEL_MTU=1400\nFLANNEL_IPMASQ=false\n"
    assert ask("--print", text=only)[0].output == (
        "--fixed-cidr-v6=fd00:5:0:7::/64 --ip-masq=true --ipv6 --mtu=1400\n"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FLANNEL_IPMASQ=maybe\n", "FLANNEL_IPMASQ=maybe is neither true nor false"),
        ("FLANNEL_MTU=big\n", "FLANNEL_MTU=big is no number"),
        ("FLANNEL_SUBNET=10.244.7.300/24\n", "10.244.7.300"),
        ("rm -rf x\n", "'rm -rf x' is no assignment"),
        ("FLANNEL_SUBNET='10\n", "No closing quotation"),
    ],
)
def test_a_file_that_hostgwd_would_not_write_is_refused(ask, text, words):
    """One sentence names the file and the fault, and no file is written: nothing is executed."""
    done, written = ask(text=text)
    assert done.exit_code == 1
    assert words in done.output
    assert "subnet.env" in done.output
    assert written is None


def test_without_a_subnet_dockerd_gets_no_file(ask, tmp_path):
    """A dockerd without these options would take a network of its own: so its start is to fail."""
    argv = ["docker-options", "-f", str(tmp_path / "none"), "-d", str(tmp_path / "out")]
    done = CliRunner().invoke(main, argv)
    assert done.exit_code == 1
    assert "start it first" in done.output
    assert not (tmp_path / "out").exists()


def test_what_the_quotes_cannot_hold_is_refused(ask):
    """A quote or a dollar in an option of the environment would mean something else in the file."""
    done, written = ask(DOCKER_OPT_X='--label="a"')
    assert done.exit_code == 1
    assert "cannot stand between double quotes" in done.output
    assert written is None
    assert ask("-k", "A B")[0].exit_code == 2


def test_the_file_is_readable_replaced_whole_and_never_a_device(ask, tmp_path):
    """Mode 0644 whatever the umask; a pipe or a device is written to, not replaced."""
    before = os.umask(0o077)
    try:
        ask()
    finally:
        os.umask(before)
    assert (tmp_path / "docker.env").stat().st_mode & 0o777 == 0o644
    assert sorted(each.name for each in tmp_path.iterdir()) == ["docker.env", "subnet.env"]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    argv = ["docker-options", "-c", "-f", str(tmp_path / "subnet.env"), "-d"]
    assert CliRunner().invoke(main, [*argv, str(pipe)], env={"DOCKER_OPTS": None}).exit_code == 0
    assert os.read(reader, 1000).decode() == COMBINED
    os.close(reader)
    assert pipe.is_fifo()
    assert CliRunner().invoke(main, [*argv, "-"], env={"DOCKER_OPTS": None}).output == COMBINED


def test_the_words_are_read_as_a_shell_reads_them():
    """Quotes, comments and export mean what they mean to the script, which sources the file."""
    text = "# mine\nexport FLANNEL_SUBNET='10.244.7.1/24'\n\nFLANNEL_MTU=\"1400\" # small\n"
    assert subnet_env(text) == {"FLANNEL_SUBNET": "10.244.7.1/24", "FLANNEL_MTU": "1400"}
    assert options({}) == {}
