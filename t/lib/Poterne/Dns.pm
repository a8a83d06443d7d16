# A name server of the test: Debian's unbound on a port of the loopback, which answers from what it
# is given and knows of no other name. It asks nobody.
#
#     my $dns = Poterne::Dns->new( folder => …, records => [ 'mx.example. A 192.0.2.1', … ] );
#     $dns->start;                               # or die
#     $gateway settings: resolver => $dns->settings
#     $dns->records(…); $dns->reload;            # other records, at once
#     $dns->pause; $dns->resume;                 # a dead server: the port is open, nobody answers
#     $dns->stop;
#
# A record is a line of a zone file without class; TTL 60 unless it says one. Records of signed
# zones come as files: zones => { 'signed.example' => 'FILE' }.
package Poterne::Dns;

use strict;
use warnings;

use File::Path qw(make_path);
use Poterne::Process qw(free_port wait_until start_process stop_process);

use constant PROGRAM => '/usr/sbin/unbound';

# Why it can't be used here, or undef.
sub missing {
    return -x PROGRAM ? undef : 'Debian package unbound is not installed';
}

sub new {
    my ( $class, %option ) = @_;
    my $self = bless { records => [], zones => {}, port => free_port(), %option }, $class;
    make_path( $self->{folder} );
    $self->{log} = "$self->{folder}/unbound.log";
    return $self;
}

sub server { my ($self) = @_; return "127.0.0.1:$self->{port}" }

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
END
    $text .= qq(    local-zone: "$_" transparent\n) for sort keys %{ $self->{zones} };
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

sub stop {
    my ($self) = @_;
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
