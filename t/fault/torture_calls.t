#!/usr/bin/perl
# Each system call that poterne-edge makes while it takes a message fails once, with each error that it may well have: it
# says 250 only to what is in the queue whole, does not die, and takes the next message. ./check tries some of those that
# come often, POTERNE_TEST_ALL=1 all.
use strict;
use warnings;

use Test::More;
use lib 't/lib';
use Poterne::Faults;
use Poterne::Torture;

plan skip_all => Poterne::Faults::missing() if Poterne::Faults::missing();

my $all = $ENV{POTERNE_TEST_ALL};
my $only = $ENV{POTERNE_ONLY} // '';
use constant OFTEN => 4;    # of more calls some are tried, in ./check

my %errors = (
    openat      => [qw(EMFILE ENFILE ENOSPC EIO)],
    write       => [qw(EIO ENOSPC)],
    pwrite      => [qw(EIO ENOSPC)],
    fsync       => [qw(EIO)],
    fdatasync   => [qw(EIO ENOSPC)],
    renameat    => [qw(EIO ENOSPC)],
    fchmod      => [qw(EIO)],
    fstat       => [qw(EIO)],
    fstatvfs    => [qw(EIO)],
    read        => [qw(EIO)],
    pread       => [qw(EIO)],
    close       => [qw(EIO)],
    accept      => [qw(EMFILE ENFILE ENOBUFS ECONNABORTED)],
    socket      => [qw(EMFILE ENOBUFS)],
    connect     => [qw(ECONNREFUSED EAGAIN)],
    send        => [qw(EPIPE ECONNRESET)],
    sendmsg     => [qw(EPIPE ECONNRESET ENOBUFS)],
    recv        => [qw(ECONNRESET)],
    recvmsg     => [qw(ECONNRESET)],
    epoll_ctl   => [qw(ENOMEM ENOSPC)],
    epoll_wait  => [qw(EINTR)],
    mmap        => [qw(ENOMEM)],
    getrandom   => [qw(EINTR)],
    getsockname => [qw(ENOBUFS)],
    setsockopt  => [qw(ENOBUFS)],
);

# What happens to those that wait, whoever is told of it: they come by themselves, and as often as they like.
my %idle = map { $_ => 1 } qw(epoll_wait fstatvfs);

my $torture = Poterne::Torture->start;
$torture->send_well;
$torture->send_well;
select undef, undef, undef, 0.5;
my $open = $torture->descriptors;
my ( $kinds, @never ) = (0);
for my $kind ( grep {/(?:$only)/} sort keys %errors ) {
    my $calls = $torture->calls($kind);
    if ( !$calls ) {
        push @never, $kind;
        next;
    }
    $kinds++;
    my $stride = $all || $calls <= OFTEN ? 1 : int( ( $calls + OFTEN - 1 ) / OFTEN );
    my ( @wrong, $tries );
    my $failed = $torture->{failed};
    for my $error ( @{ $errors{$kind} } ) {
        for ( my $nth = 1 ; $nth <= $calls ; $nth += $stride ) {
            $tries++;
            my $wrong = $torture->try_one( kinds => [$kind], nth => $nth, error => $error );
            push @wrong, $wrong if $wrong;
        }
    }
    is( join( "\n", @wrong ), '', "$kind: $calls calls, $tries tries" );
    cmp_ok( $torture->{failed}, '>', $failed, '… ' . ( $torture->{failed} - $failed ) . ' failed' ) if !$idle{$kind};
}
cmp_ok( $kinds, '>=', 15, 'kinds of calls' ) if !$only;
note("not made: @never") if @never;
ok( $torture->closes_down_to($open), 'no descriptor is left open' );
note( join ', ', map {"$_: $torture->{answers}{$_}"} sort keys %{ $torture->{answers} } );
my @aside = $torture->aside;
note( scalar(@aside) . ' files were set aside' );

is( $torture->delivered, 0, 'all ends well' );
note("slowest try: $torture->{slowest} s");
done_testing();
