# A private clamd below a folder, on a Unix socket and a TCP port, which knows the EICAR test file.
package Poterne::Clamd;

use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path);
use IO::Socket::UNIX;

use Poterne::Process qw(free_port wait_until start_process stop_process alive);

sub there {
    my ($program) = grep { -x } qw(/usr/sbin/clamd /usr/bin/clamd);
    return $program;
}

# port, databases: a free one, and the demonstration's, when not given.
sub start {
    my ( $class, $root, %option ) = @_;
    my $self = bless {
        root      => $root,
        socket    => "$root/clamd.sock",
        port      => free_port(),
        databases => getcwd() . '/antivirus/demo/clamav',
        %option
    }, $class;
    make_path( $root, "$root/tmp" );
    open my $file, '>', "$root/clamd.conf" or die "$root/clamd.conf: $!\n";
    print {$file} map { "$_\n" } (
        "DatabaseDirectory $self->{databases}", "LocalSocket $self->{socket}",
        'LocalSocketMode 666',                 "TCPSocket $self->{port}",
        'TCPAddr 127.0.0.1',                   "TemporaryDirectory $root/tmp",
        'Foreground yes',                      'MaxThreads 4',
        'AlertExceedsMax yes',                 'AlertEncrypted yes',
        'SelfCheck 86400',                     'StreamMaxLength 50M'
    );
    close $file or die "$root/clamd.conf: $!\n";
    return $self->again;
}

# At the same place, after stop() or kill().
sub again {
    my ($self) = @_;
    $self->{pid} = start_process( "$self->{root}/clamd.log", there(), "--config-file=$self->{root}/clamd.conf" );
    my $ready = wait_until( 60,
        sub { IO::Socket::UNIX->new( Peer => $self->{socket} ) || !alive( $self->{pid} ) } );
    die "clamd does not start, see $self->{root}/clamd.log\n" if !$ready || !alive( $self->{pid} );
    return $self;
}

sub stop {
    my ( $self, $signal ) = @_;
    stop_process( delete $self->{pid}, $signal // 'TERM' ) if $self->{pid};
    return;
}

1;
