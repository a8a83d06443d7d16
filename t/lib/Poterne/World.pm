# poterne-edge among neighbours of cardboard (t/smtp/world.c), and clients that speak raw SMTP to it.
package Poterne::World;

use strict;
use warnings;

use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IPC::Open2;
use POSIX ();
use Socket qw(AF_UNIX SOCK_STREAM);
use Time::HiRes qw(time);

use Poterne::Process qw(wait_until);

my $build = $ENV{POTERNE_BUILD} // 'build';

# Settings are lines of poterne.conf; `folder` lets it start on what another one left; `files` is its limit of open files;
# `listeners` is how many ports it has, of which `ports` are all: those of smtp.listen, then of submission.listen.
sub start {
    my ( $class, %option ) = @_;
    my $self = bless { folder => $option{folder} // tempdir( CLEANUP => 1 ), said => '' }, $class;
    open my $stderr, '>&', \*STDERR or die "stderr: $!\n";
    open STDERR, '>>', "$self->{folder}/log" or die "$self->{folder}/log: $!\n";
    my @limited = $option{files} ? ( 'sh', '-c', "ulimit -n $option{files}; exec \"\$\@\"", 'sh' ) : ();
    $self->{pid} = open2(
        $self->{out}, $self->{in}, @limited, "$build/t/smtp/world", "$build/gateway/poterne-edge",
        $self->{folder}, $option{settings} // '', $option{listeners} // 1
    );
    open STDERR, '>&', $stderr or die "stderr: $!\n";
    $self->{owner} = $$;
    for ( 1 .. $option{listeners} // 1 ) {
        my ($port) = ( $self->told( qr/^port (\d+)$/, 30 ) // '' ) =~ /(\d+)/ or die "poterne-edge does not start:\n", $self->log;
        push @{ $self->{ports} }, $port;
    }
    $self->{port} = $self->{ports}[0];
    return $self;
}

sub log {
    my ($self) = @_;
    open my $file, '<', "$self->{folder}/log" or return '';
    local $/;
    return <$file> // '';
}

# Waits for a line that matches, takes all up to it; undef when it does not come.
sub told {
    my ( $self, $pattern, $seconds ) = @_;
    my $end = time + ( $seconds // 10 );
    my $select = IO::Select->new( $self->{out} );
    while (1) {
        while ( $self->{said} =~ s/^(.*)\n// ) {
            my $line = $1;
            return $line if $line =~ $pattern;
        }
        my $left = $end - time;
        return if $left <= 0 || !$select->can_read($left);
        sysread( $self->{out}, $self->{said}, 65536, length $self->{said} ) or return;
    }
}

# What it has said so far is of no interest: who never listens must do this now and then, or it stops in the midst of a
# word when the pipe is full.
sub forget_words {
    my ($self) = @_;
    my $select = IO::Select->new( $self->{out} );
    while ( $select->can_read(0) ) {
        sysread( $self->{out}, $self->{said}, 65536 ) or last;
    }
    $self->{said} = '';
    return;
}

sub command {
    my ( $self, $line ) = @_;
    syswrite $self->{in}, "$line\n";
    return;
}

# Names in state/queue, state/quarantine or state/incoming.
sub files {
    my ( $self, $state ) = @_;
    opendir my $dir, "$self->{folder}/state/$state" or return;
    my @names = sort grep { !/^\./ } readdir $dir;
    closedir $dir;
    return @names;
}

sub file {
    my ( $self, $state, $name ) = @_;
    open my $file, '<:raw', "$self->{folder}/state/$state/$name" or die "$state/$name: $!\n";
    local $/;
    return <$file>;
}

sub edge_pid {
    my ($self) = @_;
    open my $file, '<', "/proc/$self->{pid}/task/$self->{pid}/children" or return;
    my ($pid) = split ' ', readline($file) // '';
    return $pid;
}

# Asks edge to drain; its exit status.
sub stop {
    my ($self) = @_;
    return if !$self->{in};
    close delete $self->{in};
    my $line = $self->told( qr/^exit/, 80 );
    waitpid $self->{pid}, 0;
    return defined $line ? $line =~ /(\d+)/ ? $1 : undef : undef;
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    $self->stop if $self->{owner} && $self->{owner} == $$;
    return;
}

# A session; says EHLO unless told otherwise.
sub client {
    my ( $self, %option ) = @_;
    my $socket = IO::Socket::INET->new( PeerAddr => '127.0.0.1', PeerPort => $self->{port} )
        or die "connect: $!\n";
    my $client = bless { socket => $socket, got => '' }, 'Poterne::World::Client';
    return $client if $option{silent};
    $client->hear;
    $client->ask('EHLO client.example') if !$option{no_ehlo};
    return $client;
}

# A session over TLS, after STARTTLS on that port: openssl says EHLO and STARTTLS, the client the rest. (It is -quiet, since
# lines that begin with R or Q are orders to it else.)
sub tls_client {
    my ( $self, $port ) = @_;
    socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0 or die "socketpair: $!\n";
    my $pid = fork // die "fork: $!\n";
    if ( !$pid ) {
        open STDIN,  '<&', $theirs     or POSIX::_exit(127);
        open STDOUT, '>&', $theirs     or POSIX::_exit(127);
        open STDERR, '>',  '/dev/null' or POSIX::_exit(127);
        exec qw(openssl s_client -quiet -starttls smtp -connect), "127.0.0.1:$port" or POSIX::_exit(127);
    }
    close $theirs;
    return bless { socket => $ours, got => '', pid => $pid }, 'Poterne::World::Client';
}

package Poterne::World::Client;

use Time::HiRes qw(time);

sub bytes {
    my ( $self, $bytes ) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $at = 0;
    while ( $at < length $bytes ) {
        my $n = syswrite $self->{socket}, $bytes, length($bytes) - $at, $at;
        return 0 if !$n;
        $at += $n;
    }
    return 1;
}

sub say {
    my ( $self, @lines ) = @_;
    return $self->bytes( join '', map {"$_\r\n"} @lines );
}

# One whole reply, its lines joined by "\n"; '' when the other side has closed, undef in silence.
sub hear {
    my ( $self, $seconds ) = @_;
    my $end = time + ( $seconds // 30 );
    my $select = IO::Select->new( $self->{socket} );
    while ( $self->{got} !~ /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/ ) {
        my $left = $end - time;
        return if $left <= 0 || !$select->can_read($left);
        sysread( $self->{socket}, $self->{got}, 65536, length $self->{got} ) or return '';
    }
    $self->{got} =~ s/^((?:\d{3}-[^\n]*\n)*\d{3} [^\n]*)\n// or die;
    ( my $reply = $1 ) =~ tr/\r//d;
    return $reply;
}

sub ask {
    my ( $self, @lines ) = @_;
    $self->say(@lines);
    return ( map { $self->hear } @lines )[-1];
}

# A message to one recipient, up to and with its end; the last reply.
sub send_mail {
    my ( $self, $text, $to ) = @_;
    $self->say( 'MAIL FROM:<a@b.example>', 'RCPT TO:<' . ( $to // 'jean@ours.example' ) . '>', 'DATA' );
    my @replies = map { $self->hear } 1 .. 3;
    return $replies[-1] if $replies[-1] !~ /^354/;
    $self->say( split( /\r?\n/, $text ), '.' );
    return $self->hear;
}

sub closed {
    my ( $self, $seconds ) = @_;
    my $reply = $self->hear( $seconds // 10 );
    return defined $reply && $reply eq '';
}

sub hang_up {
    my ($self) = @_;
    close $self->{socket};
    if ( my $pid = delete $self->{pid} ) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
    return;
}

1;
