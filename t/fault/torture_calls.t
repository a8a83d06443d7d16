#!/usr/bin/perl
# Each system call that poterne-edge makes while it takes mail fails once, with each error that it may well have: it says
# 250 only to what is in the queue (or held) whole, does not die, and takes the next one; in clear, over TLS with several
# messages, and from who has logged in (Poterne::Torture). ./check tries some of those that come often, and of the longer
# conversations one of each kind of call; POTERNE_TEST_ALL=1 all.
use strict;
use warnings;

use Test::More;
use lib 't/lib';
use Poterne::Torture;

plan skip_all => Poterne::Torture::missing() if Poterne::Torture::missing();

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
my ( %made, %never );

# Each stride-th call of that kind of a conversation, from `first` on, with each of the errors.
sub try_each {
    my ( $name, $kind, $first, $calls, $stride, @errors ) = @_;
    my ( @wrong, $tries );
    my $failed = $torture->{failed};
    for my $error (@errors) {
        for ( my $nth = $first ; $nth <= $calls ; $nth += $stride ) {
            $tries++;
            my $wrong = $torture->try_one( name => $name, kinds => [$kind], nth => $nth, error => $error );
            push @wrong, $wrong if $wrong;
        }
    }
    # of some there are more or fewer, as others have said more in one go
    push @wrong, grep { $_ } $torture->try_one( name => $name, kinds => [$kind], nth => 1, error => $errors[0] ) if $torture->{failed} == $failed;
    is( join( "\n", @wrong ), '', "$name, $kind: $calls calls, $tries tries" );
    cmp_ok( $torture->{failed}, '>', $failed, '… ' . ( $torture->{failed} - $failed ) . ' failed' ) if !$idle{$kind};
    return;
}

for my $name (qw(clear session submission)) {
    $torture->send_well($name) for 1 .. 2;
}
select undef, undef, undef, 0.5;
my $open = $torture->descriptors;
for my $name (qw(clear session submission)) {
    my $turn = 0;
    for my $kind ( grep {/(?:$only)/} sort keys %errors ) {
        my $calls = $torture->calls( $name, $kind );
        my @errors = @{ $errors{$kind} };
        $calls ? $made{$kind}++ : $never{$kind}++;
        next if !$calls;
        if ($all) {
            try_each( $name, $kind, 1, $calls, 1, @errors );
        }
        elsif ( $name eq 'clear' ) {
            try_each( $name, $kind, 1, $calls, $calls <= OFTEN ? 1 : int( ( $calls + OFTEN - 1 ) / OFTEN ), @errors );
        }
        elsif ( $kind ne 'accept' && ( $turn++ % 2 == 0 ) == ( $name eq 'session' ) ) {    # one of them, at another place for each
            my $at = 1 + int( $calls * ( $turn % OFTEN ) / ( OFTEN + 1 ) );
            try_each( $name, $kind, $at, $calls, $calls, $errors[ $turn % @errors ] );
        }
    }
}
my @never = grep { !$made{$_} } sort keys %never;
cmp_ok( scalar keys %made, '>=', 15, 'kinds of calls' ) if !$only;
note("not made: @never") if @never;
ok( $torture->closes_down_to($open), 'no descriptor is left open' );
note( join ', ', map {"$_: $torture->{answers}{$_}"} sort keys %{ $torture->{answers} } );
my @aside = $torture->aside;
note( scalar(@aside) . ' files were set aside' );

is( $torture->delivered, 0, 'all ends well' );
note("$torture->{tries} tries, the slowest took $torture->{slowest} s");
done_testing();
