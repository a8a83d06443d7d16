# What a process asks of the kernel and of malloc fails when a test says so, and its clock is moved: t/fault/faults.c,
# loaded before others into what is started while `loaded` runs.
package Poterne::Faults;

use strict;
use warnings;

use Errno ();
use File::Temp qw(tempdir);

my $build = $ENV{POTERNE_BUILD} // 'build';

# In the order of enum kind in t/fault/faults.c.
my @KINDS = qw(memory openat write pwrite fsync fdatasync renameat unlinkat fchmod fstat fstatvfs ftruncate pread read
    close accept socket connect send sendmsg recv recvmsg epoll_ctl epoll_wait mmap getrandom getsockname setsockopt);
my %number = map { $KINDS[$_] => $_ } 0 .. $#KINDS;

# Places in struct orders.
use constant { KINDS => 0, COUNTDOWN => 8, COUNTED => 16, FAILED => 24, BURST => 32, ERROR => 40, PID => 44, CLOCK => 48, BY_KIND => 56 };

# Why it can't be had here; empty: it can.
sub missing {
    my $library = library();
    return "$library is not built" if !-e $library;
    open my $program, '<:raw', "$build/gateway/poterne-edge" or return 'poterne-edge is not built';
    local $/;
    return <$program> =~ /__asan_init/ ? 'sanitizers have a malloc of their own' : '';
}

sub library {
    return ( $build =~ m{^/} ? '' : Cwd::getcwd() . '/' ) . "$build/t/fault/faults.so";
}

sub new {
    my ($class) = @_;
    require Cwd;
    my $folder = tempdir( 'poterne-faults-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
    chmod 0755, $folder;
    my $self = bless { path => "$folder/orders" }, $class;
    open $self->{file}, '+>:raw', $self->{path} or die "$self->{path}: $!\n";
    syswrite $self->{file}, "\0" x 4096;
    chmod 0666, $self->{path};    # the gateway's processes are other users
    return $self;
}

# What `work` starts is under these orders.
sub loaded {
    my ( $self, $work ) = @_;
    local $ENV{LD_PRELOAD} = library();
    local $ENV{POTERNE_FAULTS} = $self->{path};
    return $work->();
}

sub put {
    my ( $self, $at, $template, $value ) = @_;
    sysseek $self->{file}, $at, 0 or die "seek: $!\n";
    syswrite $self->{file}, pack( $template, $value ) or die "$self->{path}: $!\n";
    return;
}

sub get {
    my ( $self, $at ) = @_;
    sysseek $self->{file}, $at, 0 or die "seek: $!\n";
    sysread $self->{file}, my $bytes, 8;
    return unpack 'q<', $bytes;
}

# From now on the nth call of these kinds fails in that process, and `burst` - 1 more (kinds: [names], error: ENOSPC …).
sub order {
    my ( $self, %order ) = @_;
    my $kinds = 0;
    $kinds |= 1 << ( $number{$_} // die "no such call: $_\n" ) for @{ $order{kinds} };
    $self->put( KINDS, 'Q<', 0 );
    $self->put( COUNTED, 'Q<', 0 );
    $self->put( FAILED, 'Q<', 0 );
    $self->put( BURST, 'q<', $order{burst} // 1 );
    $self->put( ERROR, 'l<', $order{error} ? errno_of( $order{error} ) : 0 );
    $self->put( PID, 'l<', $order{pid} // 0 );
    $self->put( COUNTDOWN, 'q<', $order{nth} // 0 );
    $self->put( KINDS, 'Q<', $kinds );
    return;
}

# No more; how many calls failed.
sub lift {
    my ($self) = @_;
    $self->put( KINDS, 'Q<', 0 );
    return $self->get(FAILED);
}

# How many calls of these kinds the process makes while `work` runs.
sub count {
    my ( $self, $pid, $kinds, $work ) = @_;
    $self->order( kinds => $kinds, pid => $pid, nth => 0, burst => 0 );
    $work->();
    $self->put( KINDS, 'Q<', 0 );
    return $self->get(COUNTED);
}

# Which kinds of calls the process has made since.
sub made {
    my ($self) = @_;
    return grep { $self->get( BY_KIND + 8 * $number{$_} ) } @KINDS;
}

# The time of day, for all that is loaded: so many seconds from the true one.
sub clock {
    my ( $self, $seconds ) = @_;
    $self->put( CLOCK, 'q<', $seconds );
    return;
}

sub errno_of {
    my ($name) = @_;
    my $code = Errno->can($name) // die "no such error: $name\n";
    return $code->();
}

1;
