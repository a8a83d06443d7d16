# A DNS of its own from the root down, each server on its own address of the loopback at port 53: in a
# network namespace that this process moves into. Zones are signed with ldns, and every one that is
# signed is delegated with its DS unless the test says otherwise.
#
#     my $why = Poterne::DnsTree::enter();   # why it can't be, or undef
#     my $tree = Poterne::DnsTree->new( folder => …, zones => { '.' => {…}, … } )->start;
#     zone: address (of its server), records [ lines ], signed (1), insecure (1: no DS above it),
#     change [ from, to ] (after it was signed), stripped (1: its DS stands above, but it is not signed)
#     $tree->hints, $tree->anchor: files
#     $tree->pause; $tree->resume;           # the ports are open, nobody answers
#     $tree->stop;
package Poterne::DnsTree;

use strict;
use warnings;

use File::Path qw(make_path);

use Poterne::Files qw(write_file);
use Poterne::Process qw(command_output start_process stop_process wait_until);
use Poterne::Tree qw(slurp);

use constant { PROGRAM => '/usr/sbin/unbound', TTL => 300 };

# Runs the test again in a network namespace; returns only there, or where that can't be.
sub enter {
    return -e "/sys/class/net/lo" ? undef : 'no loopback' if $ENV{POTERNE_TEST_NAMESPACE};
    return 'Debian package unbound is not installed'      if !-x PROGRAM;
    return 'Debian package ldnsutils is not installed'    if !-x '/usr/bin/ldns-signzone';
    my $up = 'ip link set lo up';
    my ( $status, $output ) = command_output( qw(unshare -n -- sh -c), $up );
    return 'no network namespace can be made: ' . ( split /\n/, $output )[0] if $status;
    local $ENV{POTERNE_TEST_NAMESPACE} = 1;
    exec qw(unshare -n -- sh -c), qq($up && exec "\$0" "\$\@"), $^X, $0, @ARGV or return "unshare: $!";
}

sub run {
    my ( $folder, @command ) = @_;
    my ( $status, $output ) = command_output( qw(sh -c), 'cd "$0" && exec "$@"', $folder, @command );
    die "@command: $output\n" if $status;
    return $output;
}

sub new {
    my ( $class, %option ) = @_;
    my $self = bless { pids => [], %option }, $class;
    make_path( $self->{folder} );
    # those below first: their DS stands in the zone above
    $self->make_zone($_) for reverse sort { labels($a) <=> labels($b) } keys %{ $self->{zones} };
    write_file( $self->hints, '. ' . TTL . " NS ns.\nns. " . TTL . " A $self->{zones}{'.'}{address}\n" );
    return $self;
}

sub hints  { my ($self) = @_; return "$self->{folder}/hints" }
sub anchor { my ($self) = @_; return "$self->{folder}/anchor" }

sub labels {
    my ($name) = @_;
    return scalar grep { length } split /\./, $name;
}

sub above {
    my ($name) = @_;
    ( my $rest = $name ) =~ s/^[^.]+\.//;
    return length $rest ? $rest : '.';
}

sub server_name { my ($name) = @_; return $name eq '.' ? 'ns.' : "ns.$name" }

sub make_zone {
    my ( $self, $name ) = @_;
    my $zone = $self->{zones}{$name};
    my $file = "$self->{folder}/zone" . ( $name eq '.' ? '' : ".$name" );
    my $ns   = server_name($name);
    my $text = join '', map { "$_\n" } "$name " . TTL . " IN SOA $ns $ns 1 3600 600 86400 " . TTL, "$name " . TTL . " IN NS $ns",
        "$ns " . TTL . " IN A $zone->{address}", @{ $zone->{records} // [] };
    write_file( $file, $text );
    $zone->{file} = $file;
    if ( $zone->{signed} || $zone->{stripped} ) {
        my ($key) = run( $self->{folder}, qw(ldns-keygen -k -a ECDSAP256SHA256), $name ) =~ /^(K\S+)/m;
        run( $self->{folder}, 'ldns-signzone', '-o', $name, $file, $key );
        $zone->{ds} = slurp("$self->{folder}/$key.ds");
        write_file( $self->anchor, slurp("$self->{folder}/$key.key") ) if $name eq '.';
    }
    if ( $zone->{signed} ) {
        $zone->{file} = "$file.signed";
        my $signed = slurp( $zone->{file} );
        $signed =~ s/\Q$zone->{change}[0]\E/$zone->{change}[1]/ or die "$name: nothing to change\n" if $zone->{change};
        write_file( $zone->{file}, $signed );
    }
    return if $name eq '.';
    my $parent = $self->{zones}{ above($name) };
    push @{ $parent->{records} }, "$name " . TTL . " IN NS $ns", "$ns " . TTL . " IN A $zone->{address}";
    push @{ $parent->{records} }, $zone->{ds} if $zone->{ds} && !$zone->{insecure};
    return;
}

# One server for each address.
sub start {
    my ($self) = @_;
    my %at;
    push @{ $at{ $self->{zones}{$_}{address} } }, $_ for sort keys %{ $self->{zones} };
    for my $address ( sort keys %at ) {
        next if grep { $self->{zones}{$_}{silent} } @{ $at{$address} };
        my $folder = "$self->{folder}/$address";
        make_path($folder);
        my $conf = <<"END";
server:
    interface: $address
    do-daemonize: no
    use-syslog: no
    logfile: ""
    username: ""
    chroot: ""
    directory: "$folder"
    pidfile: ""
    module-config: "iterator"
    access-control: 127.0.0.0/8 allow
remote-control:
    control-enable: no
END
        $conf .= qq(auth-zone:\n    name: "$_"\n    zonefile: "$self->{zones}{$_}{file}"\n    for-downstream: yes\n    for-upstream: no\n)
            for @{ $at{$address} };
        write_file( "$folder/unbound.conf", $conf );
        push @{ $self->{pids} }, start_process( "$folder/log", PROGRAM, '-d', '-c', "$folder/unbound.conf" );
        wait_until( 20, sub { -e "$folder/log" && slurp("$folder/log") =~ /start of service/ } ) or die "unbound does not start:\n" . slurp("$folder/log");
    }
    return $self;
}

sub pause  { my ($self) = @_; return kill 'STOP', @{ $self->{pids} } }
sub resume { my ($self) = @_; return kill 'CONT', @{ $self->{pids} } }

sub stop {
    my ($self) = @_;
    $self->resume;
    stop_process($_) for splice @{ $self->{pids} };
    return;
}

1;
