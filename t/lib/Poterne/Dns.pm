# A name server of the test: Debian's unbound on a port of the loopback, which answers from what it
# is given and knows of no other name. It asks nobody.
#
#     my $dns = Poterne::Dns->new( folder => …, records => [ 'mx.example. A 192.0.2.1', … ] );
#     $dns->start;                               # or die
#     $gateway settings: resolver => $dns->settings
#     $dns->records(…); $dns->reload;            # other records, at once
#     $dns->pause; $dns->resume;                 # a dead server: the port is open, nobody answers
#     $dns->slow_port(0.5);                      # another port, whose answers come 500 ms later (UDP)
#     $dns->stop;
#
# A record is a line of a zone file without class; TTL 60 unless it says one. Records of signed
# zones come as files: zones => { 'signed.example' => 'FILE' }. Of names below silent => [ 'NAME', … ] it
# answers nothing at all.
package Poterne::Dns;

use strict;
use warnings;

use File::Path qw(make_path);
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(time);

use Poterne::Process qw(adopt free_port wait_until start_process stop_process);

use constant PROGRAM => '/usr/sbin/unbound';

# Why it can't be used here, or undef.
sub missing {
    return -x PROGRAM ? undef : 'Debian package unbound is not installed';
}

sub new {
    my ( $class, %option ) = @_;
    my $self = bless { records => [], zones => {}, silent => [], port => free_port(), %option }, $class;
    make_path( $self->{folder} );
    $self->{log} = "$self->{folder}/unbound.log";
    return $self;
}

# Of section resolver. Nothing is signed here unless the test says so.
sub settings {
    my ( $self, %more ) = @_;
    return { enabled => 'yes', servers => qq({ "127.0.0.1:$self->{port}" }), trust_anchor => '""', %more };
}

# A text of more than 255 bytes is several strings.
sub local_data {
    my ($record) = @_;
    $record =~ s{"([^"]{256,})"}{ join ' ', map { qq("$_") } $1 =~ /(.{1,255})/g }e;
    $record =~ s/'/\\'/g;
    return qq(    local-data: '$record'\n);
}

sub conf_text {
    my ($self) = @_;
    my $text = <<"END";
server:
    interface: 127.0.0.1
    port: $self->{port}
    do-daemonize: no
    use-syslog: no
    logfile: ""
    verbosity: 1
    username: ""
    chroot: ""
    directory: "$self->{folder}"
    pidfile: ""
    module-config: "iterator"
    do-not-query-localhost: no
    local-zone: "." static
    local-zone: "127.in-addr.arpa." nodefault
END
    $text .= qq(    local-zone: "$_" transparent\n) for sort keys %{ $self->{zones} };
    $text .= qq(    local-zone: "$_" deny\n) for @{ $self->{silent} };
    $text .= local_data($_) for @{ $self->{records} };
    $text .= "remote-control:\n    control-enable: no\n";
    $text .= qq(auth-zone:\n    name: "$_"\n    zonefile: "$self->{zones}{$_}"\n    for-downstream: yes\n    for-upstream: no\n)
        for sort keys %{ $self->{zones} };
    return $text;
}

sub write_conf {
    my ($self) = @_;
    open my $file, '>', "$self->{folder}/unbound.conf" or die "$self->{folder}/unbound.conf: $!\n";
    print {$file} $self->conf_text;
    close $file or die "$self->{folder}/unbound.conf: $!\n";
    return;
}

sub log_text {
    my ($self) = @_;
    open my $file, '<', $self->{log} or return '';
    local $/;
    return <$file> // '';
}

sub start {
    my ($self) = @_;
    die missing() . "\n" if missing();
    $self->write_conf;
    my $from = length $self->log_text;
    $self->{pid} = start_process( $self->{log}, PROGRAM, '-d', '-c', "$self->{folder}/unbound.conf" );
    wait_until( 20, sub { substr( $self->log_text, $from ) =~ /start of service/ } )
        or die "unbound does not start:\n" . $self->log_text;
    return $self;
}

sub records {
    my ( $self, @records ) = @_;
    $self->{records} = [@records];
    return;
}

sub reload {
    my ($self) = @_;
    my $from = length $self->log_text;
    $self->write_conf;
    kill 'HUP', $self->{pid} or die "unbound does not run\n";
    wait_until( 20, sub { substr( $self->log_text, $from ) =~ /start of service|Restart of unbound/ } )
        or die "unbound does not reload:\n" . $self->log_text;
    return;
}

sub pause  { my ($self) = @_; return kill 'STOP', $self->{pid} }
sub resume { my ($self) = @_; return kill 'CONT', $self->{pid} }

# Hands questions on, with numbers of its own, and each answer back so many seconds later.
sub relay {
    my ( $socket, $server, $delay ) = @_;
    my ( %asker, @due );
    my $number = 0;
    my $out = IO::Socket::INET->new( PeerAddr => $server, Proto => 'udp' ) or die "no UDP socket: $!\n";
    my $select = IO::Select->new( $socket, $out );
    while (1) {
        my $wait = @due ? $due[0][0] - time : 10;
        for my $ready ( $select->can_read( $wait > 0 ? $wait : 0 ) ) {
            my $from = recv( $ready, my $packet, 65535, 0 ) // next;
            next if length $packet < 12;
            if ( $ready == $socket ) {
                $number = ( $number + 1 ) & 0xffff;
                $asker{$number} = [ $from, substr( $packet, 0, 2, pack 'n', $number ) ];
                send $out, $packet, 0;
            } elsif ( my $asked = delete $asker{ unpack 'n', $packet } ) {
                substr $packet, 0, 2, $asked->[1];
                push @due, [ time + $delay, $packet, $asked->[0] ];
            }
        }
        while ( @due && $due[0][0] <= time ) {
            my ( undef, $packet, $to ) = @{ shift @due };
            send $socket, $packet, 0, $to;
        }
    }
    return;
}

# A port of its own that answers as this server does, later.
sub slow_port {
    my ( $self, $delay ) = @_;
    my $socket = IO::Socket::INET->new( LocalAddr => '127.0.0.1', Proto => 'udp' ) or die "no UDP port: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ( !$pid ) {
        relay( $socket, "127.0.0.1:$self->{port}", $delay );
        POSIX::_exit(0);
    }
    adopt($pid);
    push @{ $self->{relays} }, $pid;
    return $socket->sockport;
}

sub stop {
    my ($self) = @_;
    stop_process( $_, 'TERM', 10 ) for splice @{ $self->{relays} // [] };
    my $pid = delete $self->{pid} or return;
    kill 'CONT', $pid;
    stop_process( $pid, 'TERM', 10 );
    return;
}

sub DESTROY {
    my ($self) = @_;
    local ( $@, $?, $! );
    $self->stop if $self->{pid};
    return;
}

1;
